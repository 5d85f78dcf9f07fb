import { type ChannelId, minuteOf, type UserId, type WriterId } from '../../ids.ts';
import type { UsageRow } from '../store.ts';

/** A row of this minute, as a test needs it; `fields` replace what it would have. */
export function usageRow(fields: Partial<UsageRow> = {}): UsageRow {
  return {
    userId: 'user' as UserId,
    minute: minuteOf(Date.now()),
    channelId: 'zato01' as ChannelId,
    writerId: 'writer' as WriterId,
    deliveredMs: 20,
    final: false,
    ...fields,
  };
}
