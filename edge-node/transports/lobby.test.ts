import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { REFUSALS } from '../../shared/errors.ts';
import { ScriptedUser } from '../testing/scripted-user.ts';
import { Lobby } from './lobby.ts';

const NO_ROOM = `ERR too_many_connections ${REFUSALS.too_many_connections}\n`;
const MAX_CONNECTIONS = 4;

/** A lobby before which connections arrive that say nothing, one after the other. */
async function rig(sessions: number) {
  const lobby = new Lobby(MAX_CONNECTIONS, { size: sessions });
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const users: ScriptedUser[] = [];
  const causes: unknown[] = [];
  onTestFinished(() => {
    for (const { socket } of users) socket.destroy();
    lobby.close();
    server.close();
  });
  const arrive = async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const user = new ScriptedUser(port);
    users.push(user);
    const [socket] = await accepted;
    socket.on('error', () => {});
    const hasRoom = lobby.enter(socket, ({ code, cause }) => {
      causes.push(cause);
      lobby.refuse(socket, code);
    });
    return { user, socket, hasRoom };
  };
  return { lobby, arrive, causes };
}

it('that is full refuses who has been silent longest, with its line, for a newcomer', async () => {
  const { lobby, arrive, causes } = await rig(0);
  const first = [await arrive(), await arrive(), await arrive(), await arrive()];
  const newcomer = await arrive();
  await expect.poll(() => first[0]!.user.isEnded).toBe(true);
  expect([first[0]!.user.text, first[0]!.user.errorCode]).toEqual([NO_ROOM, undefined]);
  expect(causes).toEqual(['silent']);
  expect([...first.slice(1), newcomer].every(({ user }) => user.isWatching)).toBe(true);
  expect(lobby.arriving).toBe(MAX_CONNECTIONS);
});

it('closes who has lingered longest before it refuses anyone', async () => {
  const { lobby, arrive } = await rig(2);
  const [refused, silent] = [await arrive(), await arrive()];
  lobby.refuse(refused.socket, 'malformed');
  await expect.poll(() => refused.user.isEnded).toBe(true);
  expect(refused.socket.destroyed).toBe(false);
  await arrive();
  expect(refused.socket.destroyed).toBe(true);
  expect(refused.user.text).toBe(`ERR malformed ${REFUSALS.malformed}\n`);
  expect(silent.user.isWatching).toBe(true);
});

it('turns a newcomer away where all others have spoken: nobody who waits for an answer loses it', async () => {
  const { lobby, arrive } = await rig(2);
  const asking = [await arrive(), await arrive()];
  for (const { socket } of asking) lobby.spoke(socket);
  expect((await arrive()).hasRoom).toBe(false);
  expect(asking.every(({ user }) => user.isWatching)).toBe(true);
});
