import type { Config } from '../../../shared/config.ts';
import { ConfigError, type InputError } from '../../../shared/errors.ts';
import { type ChannelDefinition, readArguments } from '../../channel-lists/channel-list.ts';
import { ChannelsFile } from '../../channel-lists/channels-file.ts';
import type { InputSpec } from '../../channel-lists/input-url.ts';
import { InputKeeper } from '../channels/input-keeper.ts';
import { ChildStarts } from '../inputs/child-starts.ts';
import type { InputTools } from '../inputs/open-input.ts';
import { codecsOf } from './codecs.ts';
import { table } from './table.ts';

/** Each input is listened to for so long after its first bytes, and given up after the second. */
const LISTEN_MS = 5_000;
const REACH_MS = 10_000;
const LOOK_MS = 50;
/** Inputs tried at once. */
const AT_ONCE = 8;

interface Finding {
  readonly channel: ChannelDefinition;
  readonly spec: InputSpec;
  readonly isReached: boolean;
  readonly programs: string;
  readonly bitsPerSecond: number;
  readonly pcrIntervalMs: number;
  readonly problem: string;
}

const HEADINGS = ['id', 'name', 'input', 'reached', 'programs', 'kbit/s', 'PCR ms', 'problem'];

/**
 * `gateway check LIST`: tries each entry for some seconds, and prints a table and what was left out.
 * @param args lists, or channels as on the command line
 * @throws ConfigError where a list cannot be read, or an entry does not play
 */
export async function check(
  args: readonly string[],
  config: Config,
  say: (text: string) => void,
): Promise<void> {
  if (args.length === 0) throw new ConfigError('gateway check LIST: name a list or channels');
  const isNamed = (arg: string): boolean => /^[^/?]{1,6}=/.test(arg);
  const lists = args.filter((arg) => !isNamed(arg)).map((name) => new ChannelsFile(name).read());
  const read = await Promise.all(lists);
  const channels = [
    ...readArguments(args.filter(isNamed)),
    ...read.flatMap((list) => list.channels),
  ];
  const problems = read.flatMap((list) => list.problems);

  const tools: InputTools = {
    ffmpegPath: config.FFMPEG_PATH,
    children: new ChildStarts(),
    receiveBuffer: { wantedBytes: config.RECV_BUFFER, onCut: () => {} },
  };
  const tries = channels.flatMap((channel) => channel.inputs.map((spec) => ({ channel, spec })));
  const order = tries.map(({ spec }) => spec);
  const findings: Finding[] = [];
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let next = tries.shift(); next !== undefined; next = tries.shift()) {
      findings.push(await tryInput(next.channel, next.spec, config, tools));
    }
  });
  await Promise.all(workers);
  findings.sort((one, other) => order.indexOf(one.spec) - order.indexOf(other.spec));
  say(table(HEADINGS, findings.map(rowOf)));
  for (const problem of problems) say(`left out: ${problem}`);
  const wrong = findings.filter(({ problem }) => problem !== '').length + problems.length;
  if (wrong > 0)
    throw new ConfigError(
      `${wrong} of ${order.length + problems.length} do not play as they should`,
    );
}

function rowOf(finding: Finding): string[] {
  const { channel, spec, isReached, programs, bitsPerSecond, pcrIntervalMs, problem } = finding;
  const number = (value: number): string => (value > 0 ? String(Math.round(value)) : '–');
  return [
    ...[channel.id, channel.name, spec.label, isReached ? 'yes' : 'no', programs || '–'],
    ...[number(bitsPerSecond / 1000), number(pcrIntervalMs), problem || '–'],
  ];
}

/** Opens an input and listens. Whatever it is, this ends in time. */
async function tryInput(
  channel: ChannelDefinition,
  spec: InputSpec,
  config: Config,
  tools: InputTools,
): Promise<Finding> {
  let failure: InputError | undefined;
  let firstMs: number | undefined;
  const keeper = new InputKeeper(
    spec,
    {
      bytes: (_bytes, _start, _end, nowMs) => {
        firstMs ??= nowMs;
      },
      pcr: () => {},
      loss: () => {},
    },
    {
      tools,
      silenceMs: config.SILENCE_MS,
      isHeard: () => true,
      onEnd: (reason) => {
        failure ??= reason;
      },
    },
  );
  const startMs = performance.now();
  keeper.start(startMs);
  const isOver = (): boolean => {
    const nowMs = performance.now();
    if (failure !== undefined && failure.reason !== 'silent') return true;
    return firstMs === undefined ? nowMs - startMs >= REACH_MS : nowMs - firstMs >= LISTEN_MS;
  };
  while (!isOver()) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    keeper.tick(performance.now());
  }
  const { stats } = keeper;
  const tables = stats.reader?.tables;
  const { bitsPerSecond, pcrIntervalMs, counts } = stats;
  keeper.stop();
  const programs = (tables?.programs ?? []).map(({ program }) => {
    const pmt = tables?.pmtOf(program);
    return `${program}: ${pmt ? codecsOf(pmt) : 'absent'}`;
  });
  const problem = problemOf(firstMs !== undefined, failure, counts.pcrs, counts.continuityErrors);
  return {
    ...{ channel, spec, isReached: firstMs !== undefined, programs: programs.join('; ') },
    ...{ bitsPerSecond, pcrIntervalMs, problem },
  };
}

function problemOf(
  isReached: boolean,
  failure: InputError | undefined,
  pcrs: number,
  continuityErrors: number,
): string {
  if (failure !== undefined && failure.reason !== 'ended') return failure.message;
  if (!isReached) return failure?.message ?? 'nothing came';
  if (pcrs === 0) return 'no PCR: seconds would be counted by arrival';
  return continuityErrors > 0 ? `${continuityErrors} continuity errors` : '';
}
