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
  for (const name of names) expect(await service.settledMs(name)).toBe(500 * 20);
});

test.each(['SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)(
  '%s ends both services as SIGTERM does, and nothing that was counted is lost by it',
  async (signal) => {
    service = await TestService.start();
    const edge = await service.startEdge();
    await service.register('user-1');
    const [user] = await service.watch(edge, 'zato01', 'user-1');
    service.source.send('zato01', 500);
    await service.eventually(() => user?.packets).toBe(500);
    expect(await edge.process.end(signal)).toBe(0);
    expect(await service.settledMs('user-1')).toBe(500 * 20);
    expect(await service.functions.end(signal)).toBe(0);
  },
);

test('SIGUSR1 changes nothing: no debugger listens, and users are served', async () => {
  service = await TestService.start();
  const edge = await service.startEdge();
  await service.register('user-1');
  const [user] = await service.watch(edge, 'zato01', 'user-1');
  for (const process of [edge.process, service.functions]) process.signal('SIGUSR1');
  service.source.send('zato01', 500);
  await service.eventually(() => user?.packets).toBe(500);
  await service.register('user-2');
  // The debugger would say so on stderr, and answer here.
  await expect(fetch('http://127.0.0.1:9229/json/version')).rejects.toThrow();
  expect(await edge.process.end('SIGTERM')).toBe(0);
});
