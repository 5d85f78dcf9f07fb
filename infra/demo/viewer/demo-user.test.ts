import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Clip, PAYLOAD_BYTES, TABLES_BYTES } from '../media/clip.ts';
import { DemoUser } from './demo-user.ts';
import { complaints } from './verdict.ts';

const clip = Clip.load('zato01');
const played = { clip, payloads: 150 };
const payloads = (from: number, to: number): Buffer[] =>
  Array.from({ length: to - from }, (_, index) => clip.payload(from + index));

let folder: string;
let server: Server;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-user-test-'));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A user of a service that answers the line with `serve`. */
async function watchWith(serve: (socket: Socket, line: string) => void) {
  server = createServer((socket) => {
    socket.once('data', (line) => serve(socket, String(line)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const file = `${folder}/user-1.ts`;
  const user = new DemoUser({
    userId: 'user-1',
    channelId: 'zato01',
    host: '127.0.0.1',
    port,
    file,
  });
  await user.watch();
  return { user, file };
}

const sending = (bytes: Buffer) => watchWith((socket) => socket.end(bytes));

describe('a demo user', () => {
  it('asks with its line and keeps what it gets, byte for byte', async () => {
    let asked = '';
    const bytes = Buffer.concat(payloads(40, 150));
    const { user, file } = await watchWith((socket, line) => {
      asked = line;
      socket.end(bytes);
    });
    expect(asked).toBe('user-1 zato01\n');
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(user.check.firstEntry).toBe(10 * PAYLOAD_BYTES + TABLES_BYTES);
    expect(complaints(user, played, { zato01: 2 })).toEqual([]);
  });

  it('complains of /usage where a second is missing, too many, or elsewhere', async () => {
    const { user } = await sending(Buffer.concat(payloads(40, 150)));
    for (const usage of [{}, { zato01: 1 }, { zato01: 3 }, { zato01: 2, zato02: 0 }]) {
      expect(complaints(user, played, usage)).toHaveLength(1);
    }
  });

  it('complains of packets that are missing, twice, cut, foreign, or not the last ones', async () => {
    const missing = [...payloads(0, 60), ...payloads(61, 150)];
    const twice = [...payloads(0, 60), ...payloads(59, 150)];
    const cut = [...payloads(0, 150), Buffer.of(0x47)];
    const foreign = payloads(0, 150).with(7, Clip.load('zato02').payload(7));
    const early = payloads(0, 149);
    for (const received of [missing, twice, cut, foreign, early]) {
      const { user } = await sending(Buffer.concat(received));
      const usage = { zato01: Math.floor(user.check.payloads / 50) };
      expect(complaints(user, played, usage)).not.toEqual([]);
      server.close();
    }
  });

  it('complains of bytes from a channel that does not exist, and of none from one that does', async () => {
    const { user } = await sending(Buffer.concat(payloads(0, 1)));
    expect(complaints(user, undefined, { zato01: 0 })).toHaveLength(1);
    server.close();
    const { user: idle } = await sending(Buffer.alloc(0));
    expect(complaints(idle, played, {})[0]).toBe('received nothing');
    expect(complaints(idle, undefined, {})).toEqual([]);
  });

  it('tells why it was refused, and that its connection broke', async () => {
    const { user: refused } = await sending(Buffer.from('ERR not_registered register first\n'));
    expect(refused.problem).toBe('ERR not_registered register first');
    expect(refused.check.bytes).toBe(0);
    server.close();
    const { user: broken } = await watchWith((socket) => socket.resetAndDestroy());
    expect(broken.problem).toContain('ECONNRESET');
  });
});
