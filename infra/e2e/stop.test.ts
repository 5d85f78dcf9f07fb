import { afterEach, expect, test } from 'vitest';
import { TestService } from './testing/test-service.ts';

let service: TestService;
afterEach(() => service.close());

test('a second signal cuts the draining short, and nothing that was counted is lost by it', async () => {
  service = await TestService.start({ DRAIN_MS: '600000' });
  const edge = await service.startEdge();
  const names = ['user-1', 'user-2', 'user-3'];
  await service.register(...names);
  const users = await service.watch(edge, 'zato01', ...names);
  service.source.send('zato01', 500);
  await service.eventually(() => users.map((user) => user.packets)).toEqual([500, 500, 500]);
  edge.process.signal('SIGTERM');
  await service.eventually(() => edge.process.log.map(({ msg }) => msg)).toContain('stopping');
  expect(await edge.process.end('SIGINT')).toBe(0);
  const ended = edge.process.log.filter(({ msg }) => msg === 'session ended');
  expect(ended.map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown', 'shutdown']);
  for (const name of names) expect(await service.storedMs(name)).toBe(500 * 20);
});
