import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { REFUSALS } from '../../shared/errors.ts';
import { ARRIVAL_GRACE_MS } from '../../shared/limits.ts';
import { ScriptedUser } from '../testing/scripted-user.ts';
import { FileRoom } from './file-room.ts';
import { Lobby } from './lobby.ts';

/** Time that stands still unless a test lets it go on. */
const time = vi.hoisted(() => ({ ms: 0 }));
vi.mock(import('../../shared/clock.ts'), async (original) => ({
  ...(await original()),
  monotonicMs: () => time.ms,
}));

const NO_ROOM = `ERR too_many_connections ${REFUSALS.too_many_connections}\n`;
const FILES = 4;

/** A lobby before which connections arrive that say nothing, one after the other. */
async function rig(size: number, crowd = 0) {
  const sessions = { size };
  const lobby = new Lobby(new FileRoom({ users: FILES, connections: FILES, crowd }, sessions));
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
  return { lobby, sessions, arrive, causes };
}

it('that is full refuses who has been silent longest, with its line, for a newcomer', async () => {
  const { lobby, arrive, causes } = await rig(0);
  const first = [await arrive(), await arrive(), await arrive(), await arrive()];
  time.ms += ARRIVAL_GRACE_MS;
  const newcomer = await arrive();
  await expect.poll(() => first[0]!.user.isEnded).toBe(true);
  expect([first[0]!.user.text, first[0]!.user.errorCode]).toEqual([NO_ROOM, undefined]);
  expect(causes).toEqual(['silent']);
  expect([...first.slice(1), newcomer].every(({ user }) => user.isWatching)).toBe(true);
  expect(lobby.size).toBe(FILES);
});

it('closes whoever was refused longest ago before it refuses anyone', async () => {
  // Nobody's time runs out meanwhile.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { lobby, sessions, arrive } = await rig(0, 1);
  const refused = [await arrive(), await arrive(), await arrive()];
  for (const { socket } of refused) lobby.refuse(socket, 'malformed');
  await expect.poll(() => refused.every(({ user }) => user.isEnded)).toBe(true);
  expect(refused.some(({ socket }) => socket.destroyed)).toBe(false);
  sessions.size = 1;
  expect((await arrive()).hasRoom).toBe(true);
  expect(refused.map(({ socket }) => socket.destroyed)).toEqual([true, false, false]);
  expect(refused[0]!.user.text).toBe(`ERR malformed ${REFUSALS.malformed}\n`);
});

it('lets nobody go who has only just come, and whose line may be on its way', async () => {
  const { arrive } = await rig(2);
  const first = [await arrive(), await arrive()];
  expect((await arrive()).hasRoom).toBe(false);
  expect(first.every(({ user }) => user.isWatching)).toBe(true);
});

it('turns a newcomer away where all others have spoken: nobody who waits for an answer loses it', async () => {
  const { lobby, arrive } = await rig(2);
  const asking = [await arrive(), await arrive()];
  for (const { socket } of asking) lobby.spoke(socket);
  expect((await arrive()).hasRoom).toBe(false);
  expect(asking.every(({ user }) => user.isWatching)).toBe(true);
});
