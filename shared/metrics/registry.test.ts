import { closeSync, openSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createRegistry } from './registry.ts';

async function value(text: Promise<string>, name: string): Promise<number> {
  const line = (await text).split('\n').find((line) => line.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

describe.runIf(process.platform === 'linux')('open files', () => {
  test('are counted, however many there are', async () => {
    const { registry } = createRegistry();
    const before = await value(registry.metrics(), 'process_open_fds');
    const files = Array.from({ length: 700 }, () => openSync('/dev/null', 'r'));
    const after = await value(registry.metrics(), 'process_open_fds');
    for (const file of files) closeSync(file);
    // Others of this process may come and go meanwhile.
    expect(Math.abs(after - before - files.length)).toBeLessThan(50);
  });
});

test('nothing is told that takes a look at every socket', async () => {
  const text = await createRegistry().registry.metrics();
  expect(text).not.toContain('nodejs_active_');
});
