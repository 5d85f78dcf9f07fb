import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const WORKER = join(import.meta.dirname, 'testing/moving-worker.ts');

test('a worker whose supervisor dies with connections on their way to it closes them and stops', async () => {
  const stdio = "['ignore', 'inherit', 'inherit', 'ipc']";
  const supervisor = spawn(
    process.execPath,
    ['-e', `require('child_process').fork(${JSON.stringify(WORKER)}, { stdio: ${stdio} })`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  createInterface(supervisor.stdout).on('line', (line) => lines.push(line));
  await expect.poll(() => lines.length).toBe(1);
  const [port = 0, pid = 0] = (lines[0] ?? '').split(' ').map(Number);
  onTestFinished(() => {
    supervisor.kill('SIGKILL');
    if (!lines.includes('closed')) process.kill(pid, 'SIGKILL');
  });
  supervisor.kill('SIGSTOP');
  const clients = [1, 2, 3].map(() => {
    return connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume();
  });
  const ended = clients.map((client) => once(client, 'close'));
  await expect.poll(() => lines.slice(1)).toEqual(['sent', 'sent', 'sent']);
  supervisor.kill('SIGKILL');
  await Promise.all(ended);
  await expect.poll(() => lines.slice(4)).toEqual(['stopped', 'closed']);
});
