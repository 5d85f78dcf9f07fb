import { wallClockMs } from '../../../shared/clock.ts';
import type { ChannelId, Minute, UserId, WriterId } from '../../../shared/ids.ts';
import { minuteOf } from '../../../shared/ids.ts';
import { MINUTE_MS } from '../../../shared/limits.ts';
import type { UsageRow } from '../../../shared/store/store.ts';

/** A row of a minute watched from end to end, `back` minutes ago. */
export function fullRow(userId: string, back: number): UsageRow {
  return {
    userId: userId as UserId,
    minute: (minuteOf(wallClockMs()) - back) as Minute,
    channelId: 'zato01' as ChannelId,
    writerId: 'bench' as WriterId,
    deliveredMs: MINUTE_MS,
    final: true,
  };
}

/** How many rows a user has who watched for 5 minutes, for an hour, for the whole day. */
export const ROWS_PER_USER = [5, 60, 1441] as const;

/** Users of one kind; few where each has many rows. */
export function usersWith(rows: number): string[] {
  return Array.from({ length: rows > 1_000 ? 8 : 64 }, (_, n) => `user-${rows}-${n}`);
}
