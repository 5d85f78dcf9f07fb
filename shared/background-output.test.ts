import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  createReadStream,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BackgroundOutput } from './background-output.ts';

const folder = mkdtempSync(join(tmpdir(), 'background-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('lines come out whole and in order, however fast they are written', async () => {
  const path = join(folder, 'log');
  const fd = openSync(path, 'w');
  const output = new BackgroundOutput(fd);
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`);
  for (const line of lines) output.write(line);
  await output.drained();
  closeSync(fd);
  expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
  expect(output.droppedLines).toBe(0);
});

test('what exceeds the backlog is dropped and counted, and the rest is whole', async () => {
  const path = join(folder, 'flood');
  const fd = openSync(path, 'w');
  const output = new BackgroundOutput(fd);
  const line = `${'x'.repeat(1023)}\n`;
  // No callback runs in between: the first is being written, 1,024 more make 1 MiB.
  for (let i = 0; i < 2000; i += 1) output.write(line);
  await output.drained();
  closeSync(fd);
  expect(output.droppedLines).toBe(2000 - 1025);
  expect(readFileSync(path, 'utf8')).toBe(line.repeat(1025));
});

test('what was dropped is reported once lines are read again, exactly and behind what was kept', async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  // Open at both ends, and read by no one for now.
  const fd = openSync(path, constants.O_RDWR);
  const output = new BackgroundOutput(fd);
  output.onFlow((lines) => output.write(`dropped ${lines}\n`));
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 5000; i += 1) output.write(line);
  const lost = output.droppedLines;
  expect(lost).toBeGreaterThan(0);
  const kept = `${line.repeat(5000 - lost)}dropped ${lost}\n`;
  let read = '';
  const reader = createReadStream(path, { encoding: 'latin1', end: kept.length - 1 });
  for await (const chunk of reader) read += chunk;
  await output.drained();
  closeSync(fd);
  expect(read === kept).toBe(true);
  expect(output.droppedLines).toBe(lost);
});

test('lines of several who write to one pipe stay whole, though its reader is slow', async () => {
  const path = join(folder, 'shared-pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR);
  const lines = ['a', 'b'].map((letter) => `${letter.repeat(699)}\n`);
  const outputs = lines.map(() => new BackgroundOutput(fd));
  for (let i = 0; i < 500; i += 1) {
    for (const [at, output] of outputs.entries()) output.write(lines[at] ?? '');
  }
  let read = '';
  const reader = createReadStream(path, { encoding: 'latin1', end: 2 * 500 * 700 - 1 });
  for await (const chunk of reader) read += chunk;
  await Promise.all(outputs.map((output) => output.drained()));
  closeSync(fd);
  const whole = read.split('\n').filter((line) => lines.includes(`${line}\n`));
  expect(whole.length).toBe(2 * 500);
});

test('what cannot be written is dropped, and nobody waits for it or is thrown at', async () => {
  const fd = openSync(folder, 'r'); // a folder takes no writes
  const output = new BackgroundOutput(fd);
  output.write('one\n');
  output.write('two\n');
  await output.drained();
  closeSync(fd);
  expect(output.droppedLines).toBe(2);
});
