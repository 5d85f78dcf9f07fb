import type { Config } from '../../../shared/config.ts';
import { ConfigError, type InputError } from '../../../shared/errors.ts';
import { type ChannelDefinition, readArguments } from '../../channel-lists/channel-list.ts';
import { ChannelsFile } from '../../channel-lists/channels-file.ts';
import type { InputSpec } from '../../channel-lists/input-url.ts';
import type { ProgramEntry } from '../../mpeg-ts/tables.ts';
import { InputKeeper } from '../channels/input-keeper.ts';
import { ChildStarts } from '../inputs/child-starts.ts';
import type { InputTools } from '../inputs/open-input.ts';
import { codecsOf } from './codecs.ts';
import { Listening } from './listening.ts';
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
  /** Mean time between key pictures; 0 where fewer than two came. */
  readonly keyIntervalMs: number;
  readonly problem: string;
}

const HEADINGS = [
  ...['id', 'name', 'input', 'reached', 'programs', 'kbit/s', 'PCR ms', 'key ms', 'problem'],
];

/**
 * `gateway check LIST`: tries each entry for some seconds, and prints a table and the entries that were ignored.
 * @param args lists, or channels as on the command line
 * @throws ConfigError where a list cannot be read, or an entry does not play
 */
export async function check(
  args: readonly string[],
  config: Config,
  say: (text: string) => void,
): Promise<void> {
  if (args.length === 0)
    throw new ConfigError('gateway check needs a list, or channels as ID=INPUT');
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
  const findings = new Array<Finding>(tries.length);
  const queue = tries.entries();
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const [at, { channel, spec }] of queue) {
      findings[at] = await tryInput(channel, spec, config, tools);
    }
  });
  await Promise.all(workers);
  say(table(HEADINGS, findings.map(rowOf)));
  for (const problem of problems) say(`entry ignored: ${problem}`);
  const wrong = findings.filter(({ problem }) => problem !== '').length + problems.length;
  if (wrong > 0)
    throw new ConfigError(
      `${wrong} of ${tries.length + problems.length} inputs do not play as they should`,
    );
}

function rowOf(finding: Finding): string[] {
  const { channel, spec, isReached, programs, problem } = finding;
  const { bitsPerSecond, pcrIntervalMs, keyIntervalMs } = finding;
  const number = (value: number): string => (value > 0 ? String(Math.round(value)) : '–');
  return [
    ...[channel.id, channel.name, spec.label, isReached ? 'yes' : 'no', programs || '–'],
    ...[number(bitsPerSecond / 1000), number(pcrIntervalMs), number(keyIntervalMs), problem || '–'],
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
  const heard = new Listening();
  const keeper = new InputKeeper(spec, heard, {
    tools,
    silenceMs: config.SILENCE_MS,
    isHeard: () => true,
    onEnd: (reason) => {
      failure ??= reason;
    },
  });
  const startMs = performance.now();
  keeper.start(startMs);
  const isOver = (): boolean => {
    const nowMs = performance.now();
    if (failure !== undefined && failure.reason !== 'silent') return true;
    const { firstMs } = heard;
    return firstMs === undefined ? nowMs - startMs >= REACH_MS : nowMs - firstMs >= LISTEN_MS;
  };
  while (!isOver()) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    keeper.tick(performance.now());
  }
  const tables = keeper.stats.reader?.tables;
  keeper.stop();
  const programs = (tables?.programs ?? []).map(({ program }) => {
    const pmt = tables?.pmtOf(program);
    return `${program}: ${pmt ? codecsOf(pmt) : 'absent'}`;
  });
  return {
    channel,
    spec,
    isReached: heard.firstMs !== undefined,
    programs: programs.join('; '),
    bitsPerSecond: heard.bitsPerSecond,
    pcrIntervalMs: heard.pcrs.intervalMs,
    keyIntervalMs: heard.keyPictures.intervalMs,
    problem: absentProgram(spec, tables?.programs) || problemOf(heard, failure),
  };
}

/** The one that was asked for, where the stream has others. */
function absentProgram({ program }: InputSpec, programs: readonly ProgramEntry[] = []): string {
  if (programs.length === 0) return '';
  const isThere = program === undefined || programs.some((entry) => entry.program === program);
  return isThere ? '' : `the stream has no program ${program}`;
}

function problemOf(heard: Listening, failure: InputError | undefined): string {
  const isSilent = failure === undefined || failure.reason === 'silent';
  if (heard.firstMs === undefined && isSilent) return `nothing came within ${REACH_MS / 1000} s`;
  if (failure !== undefined && failure.reason !== 'ended') return failure.message;
  if (heard.firstMs === undefined) return 'it came to its end before anything could be played';
  if (heard.pcrs.count === 0) return 'no PCR: seconds would be counted by arrival';
  return heard.losses > 0 ? `bytes were missing ${heard.losses} times` : '';
}
