/**
 * How long newcomers wait for their first whole key picture (or sound, where there is no picture), as ffmpeg has it:
 * captures of MPEG-TS are looped in real time by the gateway, and users come to an edge node at random.
 *
 *     node_modules/.bin/node infra/bench/micro/starts.ts FOLDER
 *
 * `name-0.ts`, `name-1.ts` and so on are parts of one stream.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError, runBench, temporaryFolder, withChildren } from '../child.ts';
import { registerUsers, startEdgeNode, startGateway } from '../server.ts';

const USERS_EACH = Number(process.env.USERS ?? 20);
const COME_MS = 20_000;
const WATCH_MS = 2_500;
const WARM_UP_MS = 6_000;

/** What one user got, and when: `endsAt` is the place behind each piece. */
interface Viewing {
  readonly bytes: Buffer;
  readonly pieces: readonly { readonly endsAt: number; readonly ms: number }[];
}

/** Parts joined, each stream a file that the gateway can loop. @returns their names, in order */
async function joinParts(from: string, to: string): Promise<string[]> {
  const streams = Map.groupBy(
    (await readdir(from)).filter((name) => name.endsWith('.ts')).sort(),
    (name) => name.replace(/(-\d+)?\.ts$/, ''),
  );
  for (const [name, parts] of streams) {
    const all = await Promise.all(parts.map((part) => readFile(join(from, part))));
    await writeFile(join(to, `${name}.ts`), Buffer.concat(all));
  }
  return [...streams.keys()];
}

async function watch(port: number, line: string): Promise<Viewing> {
  const chunks: Buffer[] = [];
  const pieces: { endsAt: number; ms: number }[] = [];
  let endsAt = 0;
  const beganMs = performance.now();
  const socket = connect(port, '127.0.0.1', () => socket.write(`${line}\n`));
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    endsAt += chunk.length;
    pieces.push({ endsAt, ms: performance.now() - beganMs });
  });
  await sleep(WATCH_MS);
  socket.destroy();
  return { bytes: Buffer.concat(chunks), pieces };
}

/** @returns ms until the first picture was there whole, and whether it was the stream's first; undefined where none came */
async function judge({ bytes, pieces }: Viewing) {
  const shown = (await probe('v:0', bytes)) ?? (await probe('a:0', bytes));
  if (shown === undefined) return undefined;
  const ms = pieces.find(({ endsAt }) => endsAt >= shown.wholeAt)?.ms;
  return ms === undefined ? undefined : { ms, isClean: shown.isClean };
}

/**
 * The key picture, or the sound, that the stream begins with, if ffmpeg decodes it; else the first that it shows. It is
 * whole once the packet after it has begun.
 */
async function probe(stream: string, bytes: Buffer) {
  const asked = ['-select_streams', stream, '-show_packets', '-show_frames'];
  const fields = 'packet=pos:frame=key_frame,pkt_pos';
  const how = ['-v', 'quiet', '-f', 'mpegts', ...asked, '-show_entries', fields, '-of', 'compact'];
  const ffprobe = spawn('ffprobe', [...how, '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = once(ffprobe, 'exit');
  ffprobe.stdin.on('error', () => {}).end(bytes);
  const lines = (await text(ffprobe.stdout)).split('\n');
  await exited;
  const starts = lines.flatMap((line) => /^packet\|pos=(\d+)/.exec(line)?.[1] ?? []).map(Number);
  const shown = lines.filter((line) => line.startsWith('frame|'));
  const placeOf = (line = '') => Number(/pkt_pos=(\d+)/.exec(line)?.[1] ?? Number.NaN);
  // Pictures that come after it may be shown before it, where they need no other.
  const key = shown.find((line) => line.includes('key_frame=1'));
  const isClean = placeOf(key) === starts[0];
  const at = placeOf(isClean ? key : shown[0]);
  const wholeAt = starts.find((start) => start > at);
  if (wholeAt === undefined) return undefined;
  return { wholeAt, isClean };
}

function percentile(sorted: readonly number[], share: number): string {
  const value = sorted[Math.ceil(share * sorted.length) - 1];
  return value === undefined ? '–' : `${value.toFixed(0)}`;
}

async function report(name: string, viewings: readonly Viewing[]): Promise<void> {
  const judged = [];
  for (const viewing of viewings) judged.push(await judge(viewing));
  const found = judged.filter((one) => one !== undefined);
  const times = found.map(({ ms }) => ms).sort((one, other) => one - other);
  const dirty = found.filter(({ isClean }) => !isClean).length;
  console.log(
    `${name}: p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms, ` +
      `${dirty} began with something else, ${judged.length - found.length} of ${judged.length} saw nothing`,
  );
}

async function main(): Promise<void> {
  const [from] = process.argv.slice(2);
  if (from === undefined) throw new BenchError('which folder of captures?');
  const folder = temporaryFolder();
  const names = await joinParts(from, folder);
  await registerUsers(folder, USERS_EACH);
  const seen = await withChildren(async (own) => {
    const gateway = await startGateway(
      names.map((name, index) => `c${index}=${join(folder, `${name}.ts`)}?loop`),
    );
    own(gateway.child);
    const edge = await startEdgeNode(gateway.port, {
      dataFolder: folder,
      logFile: join(folder, 'edge.log'),
      settings: { LOG_LEVEL: 'error', START_AT: 'entry', MAX_SESSIONS_PER_USER: '1000' },
    });
    own(edge.child);
    await sleep(WARM_UP_MS);
    const views = names.map((_, channel) =>
      Array.from({ length: USERS_EACH }, async (_user, index) => {
        await sleep(Math.random() * COME_MS);
        return watch(edge.port, `bench-${index} c${channel}`);
      }),
    );
    return Promise.all(views.map((view) => Promise.all(view)));
  });
  for (const [index, name] of names.entries()) await report(name, seen[index] ?? []);
}

await runBench(main);
