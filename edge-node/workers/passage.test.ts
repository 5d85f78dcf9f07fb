import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Passage } from './passage.ts';

test('connections that wait to be passed on are closed when the process that was to have them dies', async () => {
  const child = spawn(process.execPath, ['-e', 'process.on("message", () => {})'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.kill('SIGSTOP');
  const passage = new Passage(child);
  const passed: Promise<boolean>[] = [];
  const server = createServer((socket) => {
    passed.push(passage.pass({}, socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients = [1, 2, 3].map(() => connect(port, '127.0.0.1').on('error', () => {}));
  await expect.poll(() => passed.length).toBe(clients.length);

  const ended = clients.map((client) => once(client.resume(), 'close'));
  child.kill('SIGKILL');
  await once(child, 'close');
  passage.close();
  await Promise.all(ended);
  // The kernel has taken the first one, and it died with the process.
  expect(await Promise.all(passed)).toEqual([true, false, false]);
  const closed = once(server, 'close');
  server.close();
  await closed;
});

test('a connection that comes when the other process has gone is closed', async () => {
  const child = spawn(process.execPath, ['-e', ''], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const passage = new Passage(child);
  await once(child, 'close');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const ended = once(client.on('error', () => {}).resume(), 'close');
  const [socket] = (await once(server, 'connection')) as [Socket];
  expect(await passage.pass({}, socket)).toBe(false);
  await ended;
  server.close();
});
