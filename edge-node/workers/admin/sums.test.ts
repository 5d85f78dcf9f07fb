import { expect, test } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import {
  CHANNEL_METRICS,
  type ChannelTable,
  channelTableText,
} from '../../admin/channel-metrics.ts';
import { sumOfHistograms, sumOfTables } from './sums.ts';

const clock = systemClock();

/** Each of these channels has this value of every metric. */
function table(values: Readonly<Record<string, number | null>>): ChannelTable {
  return {
    channels: Object.keys(values),
    columns: CHANNEL_METRICS.map(() => Object.values(values)),
  };
}

test('counters and gauges of channels are summed, rates are their mean, and ended workers only count', async () => {
  const sum = await sumOfTables(
    [table({ a: 1, b: 5 }), table({ a: 3 })],
    table({ a: 10, gone: 9 }),
    clock,
  );
  const text = Buffer.concat(await channelTableText(sum, clock)).toString();
  const told = (name: string, channel: string) =>
    new RegExp(`^streaming_channel_${name}\\{channel="${channel}"\\} (.*)$`, 'm').exec(text)?.[1];
  expect(told('watchers', 'a')).toBe('4');
  expect(told('seconds_per_second', 'a')).toBe('2');
  expect(told('delivered_packets_total', 'a')).toBe('14');
  expect(told('delivered_packets_total', 'b')).toBe('5');
  // Nobody has this channel any more.
  expect(text).not.toContain('"gone"');
});

test('what no worker can tell yet is not told', async () => {
  const sum = await sumOfTables([table({ a: null }), table({ a: null })], undefined, clock);
  expect(Buffer.concat(await channelTableText(sum, clock)).toString()).not.toContain('{channel=');
});

test('histograms are summed bucket by bucket', () => {
  const one = [{ counts: [1, 2], sumMs: 3 }];
  const other = [{ counts: [10, 20], sumMs: 30 }];
  expect(sumOfHistograms([one, other])).toEqual([{ counts: [11, 22], sumMs: 33 }]);
  expect(sumOfHistograms([])).toEqual([]);
});
