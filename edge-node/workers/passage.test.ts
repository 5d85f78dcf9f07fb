import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { setImmediate as polled } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
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

test('a client that leaves while its connection is on its way holds up nothing that comes behind it', async () => {
  const repeat =
    'process.on("message", ({ word }, socket) => { socket?.destroy(); if (word) process.send(word); })';
  const child = spawn(process.execPath, ['-e', repeat], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const words: unknown[] = [];
  child.on('message', (word) => words.push(word));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.on('error', () => {});
  const passage = new Passage(child);
  child.kill('SIGSTOP');
  // Until the kernel takes no more: what is sent then is on its way for a while.
  while (child.send({ filler: '.'.repeat(10_000) }, () => {})) {}
  const passed = passage.pass({ word: 'connection' }, socket);
  client.resetAndDestroy();
  await once(client, 'close');
  await polled();
  await polled();
  child.kill('SIGCONT');
  child.send({ word: 'behind it' }, () => {});
  await expect.poll(() => words.slice(-2)).toEqual(['connection', 'behind it']);
  expect(await passed).toBe(true);
  const closed = once(server, 'close');
  server.close();
  await closed;
});

test('a connection whose client has gone before it is sent did not go', async () => {
  const child = spawn(process.execPath, ['-e', 'process.on("message", () => {})'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const socket = new Socket();
  socket.destroy();
  expect(await new Passage(child).pass({}, socket)).toBe(false);
});
