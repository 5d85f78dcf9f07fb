import { parseArgs } from 'node:util';
import { CLIP_NAMES, PACKET_MS } from '../media/clip.ts';
import type { DisorderOptions } from './disorder.ts';

/** How far --jump-at sets the sequence ahead: past any window. */
const JUMP_PACKETS = 1_000_000;
const MAX_NUMBERED_CHANNELS = 99;

const OPTIONS = {
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '9110' },
  channels: { type: 'string' },
  rate: { type: 'string', default: String(1000 / PACKET_MS) },
  seconds: { type: 'string', default: 'Infinity' },
  shuffle: { type: 'string', default: '0' },
  loss: { type: 'string', default: '0' },
  duplicate: { type: 'string', default: '0' },
  'jump-at': { type: 'string' },
  'restart-at': { type: 'string' },
  seed: { type: 'string', default: '1' },
} as const;

export const USAGE = `channel source: what the options mean
  --host, --port     where to listen (127.0.0.1, 9110; port 0 takes a free one)
  --channels         names by comma, at most 6 characters each, or how many (zato01, zato02, ...)
  --rate             packets per second of each channel (50)
  --seconds          how long to play (for ever)
  --shuffle          packets come up to so many packets late (0)
  --loss, --duplicate   percent of packets left out, and sent twice (0)
  --jump-at          packet at which the sequence jumps ahead by ${JUMP_PACKETS}
  --restart-at       packet at which the sequence begins again at 0
  --seed             the same seed shuffles, loses and repeats the same packets (1)`;

export interface SourceOptions {
  readonly host: string;
  readonly port: number;
  readonly channels: readonly string[];
  /** Packets per second of each channel. */
  readonly rate: number;
  readonly seconds: number;
  readonly disorder: DisorderOptions;
  /** As in FeedOptions. */
  readonly turns: ReadonlyMap<number, bigint>;
}

/** @throws Error with one line that names the option */
export function parseSourceOptions(args: readonly string[]): SourceOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const number = (name: keyof typeof values, least: number, most: number): number => {
    const value = Number(values[name]);
    if (!(value >= least && value <= most)) throw new RangeError(`--${name}: ${least} to ${most}`);
    return value;
  };
  const turns = new Map<number, bigint>();
  const most = Number.MAX_SAFE_INTEGER;
  if (values['jump-at'] !== undefined) {
    const at = number('jump-at', 1, most);
    turns.set(at, BigInt(at + JUMP_PACKETS));
  }
  if (values['restart-at'] !== undefined) turns.set(number('restart-at', 1, most), 0n);
  const channels = channelIds(values.channels ?? String(CLIP_NAMES.length));
  return {
    host: values.host,
    port: number('port', 0, 65_535),
    channels,
    rate: number('rate', 1, 100_000),
    seconds: number('seconds', 0, Number.POSITIVE_INFINITY),
    turns,
    disorder: {
      window: number('shuffle', 0, 100_000),
      lossPercent: number('loss', 0, 100),
      duplicationPercent: number('duplicate', 0, 100),
      seed: number('seed', 0, most),
    },
  };
}

function channelIds(text: string): string[] {
  if (!/^\d+$/.test(text)) {
    const ids = text.split(',');
    const bad = ids.find((id) => !/^[\x21-\x7e]{1,6}$/.test(id));
    if (bad !== undefined) throw new RangeError(`--channels: "${bad}" is no channel id`);
    return ids;
  }
  const count = Number(text);
  if (count < 1 || count > MAX_NUMBERED_CHANNELS) {
    throw new RangeError(`--channels: 1 to ${MAX_NUMBERED_CHANNELS}`);
  }
  return Array.from({ length: count }, (_, index) => `zato${String(index + 1).padStart(2, '0')}`);
}
