import { expect, it } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { CHANNEL_QUIET_MS } from '../../shared/limits.ts';
import { createLogger, LogLimiter } from '../../shared/logger.ts';
import { channelKeyAt, encodePacket } from '../source/packet.ts';
import { ChannelTable } from './channel-table.ts';

function keyOf(id: string): number {
  return channelKeyAt(encodePacket(id, 0n, Buffer.alloc(0)), 0);
}

it('is searched for a channel to forget once a second, whatever flood of ids comes', () => {
  const logger = createLogger('fatal', 'test');
  let looks = 0;
  const table = new ChannelTable({
    maxChannels: 2,
    create: (id, sinceMs) => ({
      id,
      keys: new Set<number>(),
      idleMs(nowMs: number) {
        looks += 1;
        return nowMs - sinceMs;
      },
      sourceConnected() {},
      takeDisagreeing: () => [],
      sweep() {},
      clear() {},
    }),
    merged: undefined,
    clock: systemClock(),
    logger,
    limiter: new LogLimiter(logger),
  });
  table.take(keyOf('a'), 0);
  table.take(keyOf('b'), 1);
  for (let i = 0; i < 1_000; i += 1) expect(table.take(keyOf(`c${i}`), i)).toBe('no room');
  expect(looks).toBe(2);
  expect(table.excessChannelPackets).toBe(1_000);
  expect(table.take(keyOf('new'), CHANNEL_QUIET_MS)).toMatchObject({ id: 'new' });
  expect([...table.ids]).toEqual(['b', 'new']);
});
