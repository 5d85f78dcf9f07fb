import { mkdirSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, SETTINGS, type SettingName } from '../../shared/config.ts';
import { cleanEnvironment } from '../local/environment.ts';
import { CLIP_NAMES, Clip, PACKET_MS } from './clip.ts';
import { DemoError } from './demo-error.ts';
import { DemoUser, register } from './demo-user.ts';
import type { EpochReport } from './feed.ts';
import { report } from './report.ts';
import type { Screen } from './screen.ts';
import { freePort, Service } from './service.ts';
import { DEMO_USERS } from './users.ts';
import type { Played } from './verdict.ts';

const HOST = '127.0.0.1';
const SHUFFLE_PACKETS = 16;
const PROGRESS_MS = 200;
const QUIET_MS = 500;

/** What would count for the next demo. */
const LEFT_BEHIND = ['demo.db', 'demo.db-wal', 'demo.db-shm', 'spool'];

export interface DemoOptions {
  readonly seconds: number;
  /** For streams, logs and the embedded store; those of the last demo are replaced. */
  readonly folder: string;
  /** Else each service's log is a file. */
  readonly logsToStdout: boolean;
  readonly store: Config['STORE'];
}

interface Ports {
  readonly source: number;
  readonly functions: number;
  readonly users: number;
  readonly admin: number;
}

interface Services {
  readonly source: Service;
  readonly functions: Service;
  readonly edge: Service;
  readonly ports: Ports;
}

/** Runs all of it, and tells whether every check held. */
export async function runDemo(screen: Screen, options: DemoOptions): Promise<boolean> {
  const { seconds, folder } = options;
  for (const name of LEFT_BEHIND) rmSync(`${folder}/${name}`, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  screen.line(
    `${screen.paint('bold', 'Streaming Service demo')}: ${seconds} s of MPEG-TS, each channel shuffled over ${SHUFFLE_PACKETS} packets, store: ${options.store}\n`,
  );
  const services = await startServices(screen, options);
  const { ports } = services;
  const origin = `http://${HOST}:${ports.functions}`;

  const users = DEMO_USERS.map(([userId, channelId]) => {
    const file = `${folder}/${userId}.ts`;
    return new DemoUser({ userId, channelId, host: HOST, port: ports.users, file });
  });
  await Promise.all(DEMO_USERS.map(([userId]) => register(origin, userId)));
  screen.step('users', `${DEMO_USERS.map(([userId]) => userId).join(', ')}: registered\n`);

  const tooEarly = new AbortController();
  const watching = Promise.all(users.map((user) => user.watch())).then(() => tooEarly.abort());
  await showProgress(screen, users, seconds, tooEarly.signal);
  const played = await endStream(services, users);
  await watching;
  const good = await report(screen, users, played, origin);
  if (!options.logsToStdout) screen.line(`  The logs are ${relative(process.cwd(), folder)}/*.log`);
  await services.functions.stop();
  return good;
}

async function startServices(screen: Screen, options: DemoOptions): Promise<Services> {
  const usual: Ports = {
    source: usualPort('CHANNEL_SOURCE_PORT'),
    functions: usualPort('SERVER_PORT'),
    users: usualPort('STREAM_PORT'),
    admin: usualPort('ADMIN_PORT'),
  };
  const ports: Ports = {
    source: await freePort(usual.source),
    functions: await freePort(usual.functions),
    users: await freePort(usual.users),
    admin: await freePort(usual.admin),
  };
  const env = {
    ...withoutSettings(cleanEnvironment(process.env)),
    STORE: options.store,
    SQLITE_PATH: `${options.folder}/demo.db`,
    USAGE_SPOOL_DIR: `${options.folder}/spool`,
    SERVER_PORT: String(ports.functions),
    STREAM_PORT: String(ports.users),
    ADMIN_PORT: String(ports.admin),
    CHANNEL_SOURCE_HOST: HOST,
    CHANNEL_SOURCE_PORT: String(ports.source),
    // A machine so busy that the source itself pauses for a second is no reason for a gap.
    REORDER_DEADLINE_MS: '5000',
    DRAIN_MS: '0',
  };
  const start = (name: string, script: string, args: readonly string[] = []): Service =>
    new Service({
      name,
      script,
      args,
      env,
      logFile: options.logsToStdout ? undefined : `${options.folder}/${name}.log`,
      collectOutput: name === 'channel-source',
    });
  const shown = (name: keyof Ports): string => {
    const isUsual = ports[name] === usual[name] || usual[name] === 0;
    return `${HOST}:${ports[name]}${isUsual ? '' : ` (${usual[name]} is taken)`}`;
  };

  const source = start('channel-source', 'infra/demo/channel-source.ts', [
    ...['--port', String(ports.source), '--channels', CLIP_NAMES.join(',')],
    ...['--shuffle', String(SHUFFLE_PACKETS)],
  ]);
  screen.step('channel source', `${shown('source')}  ${CLIP_NAMES.join(', ')}`);
  const functions = start('functions', 'functions/server.ts');
  const edge = start('edge-node', 'edge-node/main.ts');
  await functions.ready(`http://${HOST}:${ports.functions}/readyz`);
  screen.step('functions', `${shown('functions')}  /register, /usage`);
  await edge.ready(`http://${HOST}:${ports.admin}/readyz`);
  screen.step('edge node', `${shown('users')}  users`);
  screen.step('', `${shown('admin')}  /status, /metrics`);
  return { source, functions, edge, ports };
}

/** The port that this shell sets, else the default one. */
function usualPort(name: SettingName): number {
  const text = process.env[name] || SETTINGS[name].default;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new DemoError(`${name} must be a port, not "${text}"`);
}

/** The demo sets what it needs; nothing that this shell sets for a real service counts. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !(name in SETTINGS)));
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

/** Ends source and edge node in the order in which nothing is under way any more. */
async function endStream(
  services: Services,
  users: readonly DemoUser[],
): Promise<Map<string, Played>> {
  await services.source.stop();
  const received = (): number => users.reduce((sum, { check }) => sum + check.bytes, 0);
  for (let before = -1; before < received(); ) {
    before = received();
    await sleep(QUIET_MS);
  }
  await services.edge.stop();

  const sent = JSON.parse(await services.source.output) as {
    channel: (typeof CLIP_NAMES)[number];
    epochs: EpochReport[];
  }[];
  return new Map(
    sent.map(({ channel, epochs }) => {
      const payloads = epochs.reduce((sum, { packets }) => sum + packets, 0);
      return [channel, { clip: Clip.load(channel), payloads }];
    }),
  );
}
