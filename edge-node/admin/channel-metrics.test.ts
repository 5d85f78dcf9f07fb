import { setImmediate as polled } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SLICE_MS } from '../../shared/limits.ts';
import type { Channel } from '../channels/channel.ts';
import { channelMetricsText } from './channel-metrics.ts';

test('the metrics of thousands of channels are made in slices, with the sockets polled between them', async () => {
  // A clock on which each value takes an eighth of a slice.
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, epochMs: () => nowMs };
  const counters = { received: 1, lost: 2, late: 3, stray: 4, jumps: 5, restarts: 6 };
  const channels = Array.from({ length: 4096 }, (_, i) => ({
    id: `c${i}`,
    watchers: new Set(),
    secondsRate: { value: undefined },
    get counters() {
      nowMs += SLICE_MS / 8;
      return counters;
    },
  })) as unknown as Channel[];
  let turns = 0;
  let isDone = false;
  const made = channelMetricsText(channels, clock).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await polled();
    turns += 1;
  }
  const page = Buffer.concat(await made).toString();
  expect(page.match(/^streaming_channel_lost_packets_total\{channel="c\d+"\} 2$/gm)).toHaveLength(
    4096,
  );
  // A slice is over after two channels, of six values each.
  expect(turns).toBeGreaterThanOrEqual(4096 / 2);
});
