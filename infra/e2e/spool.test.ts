import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { TestService } from './testing/test-service.ts';

vi.setConfig({ testTimeout: 240_000 });

let service: TestService;
afterEach(() => service.close());

test('a spool folder that cannot be written is told at once, ends nobody, and is found once it can', async () => {
  service = await TestService.start();
  // A file where the folder should be: no rights help against that, not even those of root.
  await writeFile(service.spoolPath, '');
  const edge = await service.startEdge();
  const health = async () => (await service.status(edge)).store.usage.spool.health.kind;
  await service.eventually(health).toBe('unwritable');
  expect(await service.metric(edge, 'streaming_usage_spool_writable')).toBe(0);
  const told = () =>
    edge.process.log.find(({ msg }) => msg.includes('cannot write USAGE_SPOOL_DIR'));
  await service.eventually(told).toMatchObject({ level: 'error', folder: service.spoolPath });

  await service.register('one');
  const [user] = await service.watch(edge, 'zato01', 'one');
  service.source.send('zato01', 100);
  await service.eventually(() => user?.packets).toBe(100);
  await rm(service.spoolPath);
  expect(await edge.process.end('SIGTERM')).toBe(0);
  expect(await service.settledMs('one')).toBe(100 * 20);

  const next = await service.startEdge({
    USAGE_SPOOL_DIR: join(service.spoolPath, 'made', 'anew'),
  });
  const lasting = async () => service.metric(next, 'streaming_usage_spool_writable');
  await service.eventually(lasting).toBe(1);
});

test('a disk that hangs under the spool stops neither users nor accounting nor the end of the process', async () => {
  service = await TestService.start();
  await mkdir(service.spoolPath);
  // Opening a pipe that nobody writes to hangs in the thread, as a disk that is gone does.
  execFileSync('mkfifo', [join(service.spoolPath, 'aa.1')]);
  const edge = await service.startEdge();
  await service.register('one');
  const [user] = await service.watch(edge, 'zato01', 'one');
  service.source.send('zato01', 100);
  await service.eventually(() => user?.packets).toBe(100);
  expect(await edge.process.end('SIGTERM')).toBe('SIGKILL');
  expect(edge.process.log.at(-1)?.msg).toBe('stopped');
  expect(await service.storedMs('one')).toBe(100 * 20);
});
