import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SOURCE_BACKLOG_BYTES } from '../../shared/limits.ts';
import { receiveBufferMaxBytes } from './receive-buffer.ts';

it('is what the kernel says, and a bound of our own where it says nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'streaming-rmem-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'tcp_rmem');
  expect(receiveBufferMaxBytes(path)).toBe(SOURCE_BACKLOG_BYTES);
  await writeFile(path, '4096\t131072\t33554432\n');
  expect(receiveBufferMaxBytes(path)).toBe(33_554_432);
  await writeFile(path, 'nothing');
  expect(receiveBufferMaxBytes(path)).toBe(SOURCE_BACKLOG_BYTES);
});
