import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { LogLimiter } from '../../../shared/logger.ts';
import { ChannelNames } from './channel-names.ts';

it('each entry of the file that is left out has a line of its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'streaming-channel-names-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'list.json');
  const entries = ['too-long-1', 'zato01', 'too-long-2', 'too-long-3'];
  await writeFile(path, JSON.stringify(entries.map((id) => ({ id, inputs: ['udp://:1'] }))));
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => lines.push(line) });
  const names = new ChannelNames(path, new LogLimiter(logger));
  onTestFinished(() => names.stop());
  await names.start();
  const told = ['too-long-1', 'too-long-2', 'too-long-3'];
  expect(told.map((id) => lines.filter((line) => line.includes(id)).length)).toEqual([1, 1, 1]);
  expect(names.list([]).map(({ id }) => id)).toEqual(['zato01']);
});
