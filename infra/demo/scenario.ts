import { mkdirSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DemoError } from './demo-error.ts';
import { type CLIP_NAMES, Clip, PACKET_MS } from './media/clip.ts';
import { report } from './report.ts';
import type { Screen } from './screen.ts';
import { HOST, type Ports } from './services/ports.ts';
import {
  type Services,
  type ServicesOptions,
  SHUFFLE_PACKETS,
  startServices,
} from './services/services.ts';
import type { EpochReport } from './source/channel-feed.ts';
import { DemoUser, register } from './viewer/demo-user.ts';
import { DEMO_USERS } from './viewer/users.ts';
import type { Played } from './viewer/verdict.ts';

const PROGRESS_MS = 200;
/** The last packets are late where the machine is busy, and lost where they take longer. */
const LAST_PACKETS_MS = 10_000;
const POLL_MS = 20;

export interface DemoOptions extends ServicesOptions {
  readonly seconds: number;
}

/** Runs all of it, and tells whether every check held. */
export async function runDemo(screen: Screen, options: DemoOptions): Promise<boolean> {
  const { seconds, folder } = options;
  rmSync(`${folder}/spool`, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  screen.line(
    `${screen.paint('bold', 'Streaming Service demo')}: ${seconds === 0 ? 'endless' : `${seconds} s of`} MPEG-TS, each channel shuffled over ${SHUFFLE_PACKETS} packets, store: ${options.store}\n`,
  );
  const services = await startServices(screen, options);
  const { ports } = services;
  const origin = `http://${ports.address('functions')}`;

  const users = DEMO_USERS.map(([userId, channelId]) => {
    const file = seconds === 0 ? '/dev/null' : `${folder}/${userId}.ts`;
    return new DemoUser({ userId, channelId, host: HOST, port: ports.port('users'), file });
  });
  await Promise.all(DEMO_USERS.map(([userId]) => register(origin, userId)));
  screen.step('users', `${DEMO_USERS.map(([userId]) => userId).join(', ')}: registered\n`);
  showPages(screen, ports);

  const nobodyLeft = new AbortController();
  const watching = Promise.all(users.map((user) => user.watch())).then(() => nobodyLeft.abort());
  if (seconds === 0) {
    await watching;
    throw new DemoError(`the users were sent away: ${relative(process.cwd(), folder)}/*.log`);
  }
  await showProgress(screen, users, seconds, nobodyLeft.signal);
  const played = await endStream(services, users, nobodyLeft.signal);
  await watching;
  const good = await report(screen, users, played, origin);
  if (!options.logsToStdout) screen.line(`  The logs are ${relative(process.cwd(), folder)}/*.log`);
  await services.functions.stop();
  await services.store.stop();
  return good;
}

/** What to open in a browser. */
function showPages(screen: Screen, ports: Ports): void {
  screen.line(`  Watch    http://${ports.address('watch')}/  as user-1, or register there`);
  screen.line(`  Look on  http://${ports.address('admin')}/`);
  screen.note('Ctrl-C ends all of it\n');
}

/** Returns after so many seconds, or as soon as nobody watches any more. */
async function showProgress(
  screen: Screen,
  users: readonly DemoUser[],
  seconds: number,
  over: AbortSignal,
): Promise<void> {
  const started = performance.now();
  for (let passed = 0; passed < seconds && !over.aborted; ) {
    await sleep(Math.min(PROGRESS_MS, (seconds - passed) * 1000));
    passed = (performance.now() - started) / 1000;
    const got = users.map(({ check }) => ((check.payloads * PACKET_MS) / 1000).toFixed(1));
    screen.progress(passed, seconds, `seconds received: ${got.join(', ')}`);
  }
}

/** Ends the source, then the edge node once it has handed everything on. */
async function endStream(
  services: Services,
  users: readonly DemoUser[],
  over: AbortSignal,
): Promise<Map<string, Played>> {
  await services.source.stop();
  const sent = JSON.parse(await services.source.output) as {
    channel: (typeof CLIP_NAMES)[number];
    epochs: EpochReport[];
  }[];
  const played = new Map<string, Played>(
    sent.map(({ channel, epochs }) => {
      const payloads = epochs.reduce((sum, { packets }) => sum + packets, 0);
      return [channel, { clip: Clip.load(channel), payloads }];
    }),
  );

  const isBehind = ({ options, check }: DemoUser): boolean =>
    check.playedTo < (played.get(options.channelId)?.payloads ?? 0);
  const until = performance.now() + LAST_PACKETS_MS;
  while (users.some(isBehind) && !over.aborted && performance.now() < until) await sleep(POLL_MS);
  await services.edge.stop();
  return played;
}
