import { expect, test } from 'vitest';
import { executeByLine, probe } from './commands.ts';

const node = process.execPath;

test('a probe says what the command says, on either stream', async () => {
  expect(await probe(node, '-e', "console.log('a'); console.error('b')")).toBe('a\nb\n');
});

test.each([
  ['is not there', 'no-such-command', []],
  ['fails', node, ['-e', 'process.exit(1)']],
  ['hangs', node, ['-e', 'setInterval(() => {}, 1000)']],
])('a probe of a command that %s finds nothing', async (_, command, args) => {
  expect(await probe(command, ...args)).toBeUndefined();
});

test('lines come whole, however they are written', async () => {
  const lines: string[] = [];
  const script =
    "process.stdout.write('on'); setImmediate(() => process.stdout.write('e\\ntwo\\n'))";
  await executeByLine(node, ['-e', script], (line) => lines.push(line));
  expect(lines).toEqual(['one', 'two']);
});

test('a command that fails says why', async () => {
  const failing = executeByLine(node, ['-e', "console.error('why'); process.exit(3)"], () => {});
  await expect(failing).rejects.toThrow(/ended with 3: why/);
});
