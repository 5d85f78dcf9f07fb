import { once } from 'node:events';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer,
  type Server,
  type Socket,
} from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { selfSigned } from '../../shared/testing/self-signed.ts';
import { StretchWriter } from './stretch-writer.ts';

const open: { destroy(): unknown }[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** The sockets of a connection: ours, and the user's, which reads nothing until it is told to. */
async function pair(server: Server, event: string, connect: (port: number) => Socket) {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const accepted = once(server, event) as Promise<[Socket]>;
  const user = connect((server.address() as AddressInfo).port);
  const [ours] = await accepted;
  open.push(ours, user);
  ours.on('error', () => {});
  user.on('error', () => {});
  return { ours, user };
}

const tcp = () =>
  pair(createServer({ noDelay: true }), 'connection', (port) => connectTcp(port, '127.0.0.1'));

function tls() {
  const certificate = selfSigned();
  return pair(createTlsServer(certificate), 'secureConnection', (port) =>
    connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }),
  );
}

/** What is left of a stretch. */
function rest(...buffers: Buffer[]) {
  return { next: () => buffers.shift() };
}

function writerTo(socket: Socket) {
  const taken: (string | undefined)[] = [];
  const writer = new StretchWriter(socket, (error) => taken.push(error?.name));
  return { writer, taken };
}

async function received(user: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < bytes) {
    const [chunk] = (await once(user, 'data')) as [Buffer];
    chunks.push(chunk);
    total += chunk.length;
  }
  return Buffer.concat(chunks);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a writer of stretches', () => {
  test('tells at once what the kernel has taken at once', async () => {
    const { ours, user } = await tcp();
    const { writer, taken } = writerTo(ours);
    writer.write(Buffer.from('one'), rest(), 0);
    expect(taken).toEqual([undefined]);
    writer.write(Buffer.from('two'), rest(Buffer.from('three'), Buffer.from('four')), 0);
    expect(taken).toEqual([undefined, undefined]);
    expect(`${await received(user, 15)}`).toBe('onetwothreefour');
  });

  test('tells later of what the kernel had no room for, once, and after all of it', async () => {
    const { ours, user } = await tcp();
    const { writer, taken } = writerTo(ours);
    const block = Buffer.alloc(1 << 20, 1);
    let written = 0;
    for (; taken.length === written; written += 1) writer.write(block, rest(block), 0);
    expect(ours.writableLength).toBeGreaterThan(0);

    await received(user, written * 2 * block.length);
    await until(() => taken.length === written);
    expect(ours.writableLength).toBe(0);
    expect(taken.every((error) => error === undefined)).toBe(true);
  });

  test('takes payloads that are empty as written', async () => {
    const { ours, user } = await tcp();
    const { writer, taken } = writerTo(ours);
    writer.write(Buffer.alloc(0), rest(), 0);
    writer.write(Buffer.alloc(0), rest(Buffer.alloc(0), Buffer.alloc(0)), 0);
    expect(taken).toEqual([undefined, undefined]);
    writer.write(Buffer.from('x'), rest(), 0);
    expect(`${await received(user, 1)}`).toBe('x');
  });

  test('tells of an error where the user is gone, and never that it was taken', async () => {
    const { ours, user } = await tcp();
    const { writer, taken } = writerTo(ours);
    const block = Buffer.alloc(1 << 20);
    let written = 0;
    for (; taken.length === written; written += 1) writer.write(block, rest(), 0);
    user.resetAndDestroy();
    await until(() => taken.length === written);
    expect(taken.at(-1)).toBe('Error');

    writer.write(block, rest(), 0);
    expect(taken.length).toBe(written);
    await until(() => taken.length === written + 1);
    expect(taken.at(-1)).toBe('Error');
  });

  test('behind TLS tells of an error where the user is gone', async () => {
    const { ours, user } = await tls();
    const { writer, taken } = writerTo(ours);
    writer.write(Buffer.alloc(16 << 20), rest(), 0);
    user.destroy();
    await until(() => taken.length === 1);
    expect(taken).toEqual(['Error']);
  });

  test('behind TLS tells once of each, in order', async () => {
    const { ours, user } = await tls();
    const { writer, taken } = writerTo(ours);
    const got = received(user, 9);
    writer.write(Buffer.from('one'), rest(Buffer.from('two')), 0);
    expect(taken).toEqual([]);
    await until(() => taken.length === 1);
    writer.write(Buffer.alloc(0), rest(), 0);
    await until(() => taken.length === 2);
    writer.write(Buffer.from('end'), rest(), 0);
    await until(() => taken.length === 3);
    expect(`${await got}`).toBe('onetwoend');
    expect(taken).toEqual([undefined, undefined, undefined]);
  });
});
