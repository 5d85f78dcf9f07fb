import { once } from 'node:events';
import { connect } from 'node:net';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { FEED_CLIENT_MAX_BYTES } from '../../../shared/limits.ts';
import { LogLimiter } from '../../../shared/logger.ts';
import { encodePacket } from '../../source/packet.ts';
import { FeedServer } from './feed-server.ts';

/** More than the sockets of one connection hold on any system. */
const KERNEL_BYTES = 64 * 1024 ** 2;

it('drops, tells and counts an edge node that reads nothing, and the others get every byte', async () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  const limiter = new LogLimiter(logger);
  const feed = new FeedServer({ logger, limiter });
  const { port } = await feed.listen('127.0.0.1', 0);
  const slow = connect(port, '127.0.0.1').pause();
  const quick = connect(port, '127.0.0.1');
  onTestFinished(async () => {
    quick.destroy();
    slow.destroy();
    await feed.close();
    limiter.flush();
  });
  slow.on('error', () => {});
  let received = 0;
  quick.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  await Promise.all([once(slow, 'connect'), once(quick, 'connect')]);
  await expect.poll(() => feed.clients, { timeout: 20_000 }).toBe(2);

  const packets = encodePacket('zato01', 0n, Buffer.alloc(1024 ** 2));
  for (let sent = 0; feed.droppedClients === 0; sent += packets.length) {
    expect(sent).toBeLessThan(FEED_CLIENT_MAX_BYTES + KERNEL_BYTES);
    feed.send(packets, 1);
    while (received < feed.bytes) await once(quick, 'data');
  }
  expect([feed.clients, feed.droppedClients, received]).toEqual([1, 1, feed.bytes]);
  expect(lines.join('')).toContain('edge node dropped: it is too slow');
});
