import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, test } from 'vitest';
import { TestService } from './testing/test-service.ts';
import type { TestUser } from './testing/test-user.ts';

/** Open files of the process under test: fewer than the connections that somebody holds. */
const OPEN_FILES = 256;
const HELD = 300;
const LIMIT_LINE = 'HTTP connections are at their limit: closed the one that was idle for longest';

let service: TestService;
const held: Socket[] = [];
afterEach(async () => {
  for (const socket of held.splice(0)) socket.destroy();
  await service.close();
});

/** Connections that ask once, if at all, and then stay. */
async function hold(port: number, bytes: string): Promise<void> {
  for (let i = 0; i < HELD; i += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    held.push(socket.resume());
    await once(socket, 'connect');
    socket.write(bytes);
  }
}

test('idle keep-alive connections, more than functions have files, keep no client out', async () => {
  service = await TestService.start();
  const { origin, process } = await service.startFunctions({}, OPEN_FILES);
  await hold(Number(new URL(origin).port), 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  const register = () => fetch(`${origin}/register`, { method: 'POST', body: 'user-1' });
  await service.eventually(async () => (await register()).status).toBe(200);
  await service.eventually(() => process.log.map(({ msg }) => msg)).toContain(LIMIT_LINE);
});

test('idle connections to the operators’ port, more than there are files, take none from users and source', async () => {
  service = await TestService.start();
  await service.register('user-1', 'user-2');
  const edge = await service.startEdge({}, OPEN_FILES);
  const [early] = (await service.watch(edge, 'zato01', 'user-1')) as [TestUser];
  await hold(edge.adminPort, '');
  // Those who hold them are given a moment to ask; until it is over, others are told that there is no room.
  await service.eventually(async () => (await service.status(edge)).usersTotal).toBe(1);
  const [late] = (await service.watch(edge, 'zato01', 'user-2')) as [TestUser];
  service.source.send('zato01', 100);
  await service.eventually(() => [early.packets, late.packets]).toEqual([100, 100]);
  await service.eventually(() => edge.process.log.map(({ msg }) => msg)).toContain(LIMIT_LINE);
});
