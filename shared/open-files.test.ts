import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Opens all files that it may, watches until that was noticed, lets go of them, and prints what was logged. */
const SCRIPT = `
  import { openSync, closeSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { OpenFilesWatch, openFilesLimit } from './open-files.ts';
  const lines = [];
  const watch = new OpenFilesWatch({ error: (message, { err }) => lines.push([message, err.code]) });
  watch.start();
  const files = [];
  try {
    for (;;) files.push(openSync('/dev/null'));
  } catch {}
  while (watch.exhausted === 0) await sleep(20);
  watch.stop();
  files.forEach(closeSync);
  console.log(JSON.stringify({ limit: openFilesLimit(), line: lines[0] }));
`;

test('a process that can open no more files says so, and knows its limit', async () => {
  const node = [process.execPath, '--input-type=module-typescript', '--eval', SCRIPT];
  const limited = ['-c', 'ulimit -n 80 && exec "$@"', 'sh', ...node];
  const { stdout } = await promisify(execFile)('sh', limited, { cwd: import.meta.dirname });
  expect(JSON.parse(stdout)).toEqual({
    limit: 80,
    line: [expect.stringContaining('open-files limit reached'), 'EMFILE'],
  });
});
