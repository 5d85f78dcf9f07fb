import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { SOURCE_BACKOFF_MIN_MS } from '../../shared/limits.ts';
import { createLogger, LogLimiter } from '../../shared/logger.ts';
import { encodePacket } from './packet.ts';
import { SourceClient } from './source-client.ts';

const PACKET = encodePacket('zato01', 0n, Buffer.alloc(100));

function clientAt(host: string, port: number): SourceClient {
  const logger = createLogger('fatal', 'test');
  return new SourceClient({
    source: 0,
    places: [{ host, port }],
    maxPayloadBytes: 1000,
    turnBytes: 100_000,
    maxUnreadBytes: 0,
    silenceMs: 100,
    clock: systemClock(),
    logger,
    limiter: new LogLimiter(logger),
  });
}

const stateOf = ({ sources }: SourceClient) => sources.at(0)?.state;
const connectionsOf = ({ sources }: SourceClient) => sources.at(0)?.connections ?? 0;

/** A client of a source that does this with each connection. */
async function clientOf(onConnection: (socket: Socket) => void, host = '127.0.0.1') {
  const server = createServer((socket) => {
    socket.on('error', () => {}).resume();
    onConnection(socket);
  });
  await once(server.listen(0, host), 'listening');
  const client = clientAt(host, (server.address() as AddressInfo).port);
  const sink = {
    accepted: 0,
    packet() {
      sink.accepted += 1;
      return true;
    },
    sourceConnected() {},
    sourceLost() {},
  };
  client.start(sink);
  onTestFinished(() => {
    client.stop();
    server.close();
  });
  return { client, sink };
}

it('a source that breaks off after each first packet is tried less and less often', async () => {
  const waits: number[] = [];
  const { client } = await clientOf((socket) => socket.end(PACKET));
  await expect
    .poll(
      () => {
        const state = stateOf(client);
        if (state?.kind === 'waiting' && waits.at(-1) !== state.retryMs) waits.push(state.retryMs);
        return waits.length;
      },
      { interval: 5, timeout: 20_000 },
    )
    .toBeGreaterThanOrEqual(4);
  const last = waits.at(-1) ?? 0;
  expect(last).toBeGreaterThanOrEqual((SOURCE_BACKOFF_MIN_MS * 2 ** (waits.length - 1)) / 2);
});

it('a source that is connected and sends no packet, half a header or none, is connected to anew', async () => {
  const { client, sink } = await clientOf((socket) => {
    if (connectionsOf(client) === 2) socket.write(PACKET.subarray(0, 12));
    if (connectionsOf(client) >= 3) socket.write(PACKET);
  });
  await expect.poll(() => sink.accepted, { timeout: 20_000 }).toBe(1);
  expect(connectionsOf(client)).toBeGreaterThanOrEqual(3);
});

it('a source that refuses at each of its addresses is said to', async () => {
  const server = createServer();
  await once(server.listen(0, 'localhost'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const client = clientAt('localhost', port);
  client.start({ packet: () => true, sourceConnected() {}, sourceLost() {} });
  onTestFinished(() => client.stop());
  await expect.poll(() => stateOf(client)?.kind, { timeout: 20_000 }).toBe('waiting');
  expect(stateOf(client)).toMatchObject({ reason: expect.stringContaining('ECONNREFUSED') });
});

it('a source at an IPv6 address is reached', async () => {
  const { sink } = await clientOf((socket) => socket.write(PACKET), '::1');
  await expect.poll(() => sink.accepted, { timeout: 20_000 }).toBeGreaterThan(0);
});
