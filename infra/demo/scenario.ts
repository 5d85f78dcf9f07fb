import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SETTINGS } from '../../shared/config.ts';
import { cleanEnvironment } from '../local/environment.ts';
import { CLIP_NAMES, Clip, PACKET_MS } from './clip.ts';
import { DemoUser, register } from './demo-user.ts';
import type { EpochReport } from './feed.ts';
import { report } from './report.ts';
import type { Screen } from './screen.ts';
import { freePort, Service } from './service.ts';
import type { Played } from './verdict.ts';

const HOST = '127.0.0.1';
const SHUFFLE_PACKETS = 16;
const PROGRESS_MS = 200;
const QUIET_MS = 500;
const FOLDER = resolve(import.meta.dirname, '../../demo-out');

/** Who watches what: the seed's five. */
const USERS = [
  ['user-1', 'zato01'],
  ['user-2', 'zato02'],
  ['user-3', 'unknown'],
  ['user-4', 'zato01'],
  ['user-5', 'zato02'],
] as const;

export interface DemoOptions {
  readonly seconds: number;
  /** Else each service's log is a file. */
  readonly logsToStdout: boolean;
  readonly store: string;
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
  const { seconds } = options;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  screen.line(
    `${screen.paint('bold', 'Streaming Service demo')}: ${seconds} s of MPEG-TS, each channel shuffled over ${SHUFFLE_PACKETS} packets, store: ${options.store}\n`,
  );
  const services = await startServices(screen, options);
  const { ports } = services;
  const origin = `http://${HOST}:${ports.functions}`;

  const users = USERS.map(([userId, channelId]) => {
    const file = `${FOLDER}/${userId}.ts`;
    return new DemoUser({ userId, channelId, host: HOST, port: ports.users, file });
  });
  await Promise.all(USERS.map(([userId]) => register(origin, userId)));
  screen.step('users', `${USERS.map(([userId]) => userId).join(', ')}: registered\n`);

  const watching = Promise.all(users.map((user) => user.watch()));
  const ended = watching.then(() => 'ended');
  await Promise.race([ended, showProgress(screen, users, seconds)]);
  const played = await endStream(services, users);
  await watching;
  const good = await report(screen, users, played, origin);
  await services.functions.stop();
  return good;
}

async function startServices(screen: Screen, options: DemoOptions): Promise<Services> {
  const defaults = {
    source: Number(SETTINGS.CHANNEL_SOURCE_PORT.default),
    functions: Number(SETTINGS.SERVER_PORT.default),
    users: Number(SETTINGS.STREAM_PORT.default),
    admin: Number(SETTINGS.ADMIN_PORT.default),
  };
  const ports = {
    source: await freePort(defaults.source),
    functions: await freePort(defaults.functions),
    users: await freePort(defaults.users),
    admin: await freePort(defaults.admin),
  };
  const env = {
    ...withoutSettings(cleanEnvironment(process.env)),
    STORE: options.store,
    SQLITE_PATH: `${FOLDER}/demo.db`,
    USAGE_SPOOL_DIR: `${FOLDER}/spool`,
    SERVER_PORT: String(ports.functions),
    STREAM_PORT: String(ports.users),
    ADMIN_PORT: String(ports.admin),
    CHANNEL_SOURCE_HOST: HOST,
    CHANNEL_SOURCE_PORT: String(ports.source),
    DRAIN_MS: '0',
  };
  const start = (name: string, script: string, args: readonly string[] = []): Service =>
    new Service({
      name,
      script,
      args,
      env,
      logFile: options.logsToStdout ? undefined : `${FOLDER}/${name}.log`,
      collectOutput: name === 'channel-source',
    });
  const shown = (port: number, usual: number): string =>
    `${HOST}:${port}${port === usual ? '' : ` (${usual} is taken)`}`;

  const source = start('channel-source', 'infra/demo/channel-source.ts', [
    ...['--port', String(ports.source), '--channels', CLIP_NAMES.join(',')],
    ...['--shuffle', String(SHUFFLE_PACKETS)],
  ]);
  screen.step(
    'channel source',
    `${shown(ports.source, defaults.source)}: ${CLIP_NAMES.join(', ')}`,
  );
  const functions = start('functions', 'functions/server.ts');
  const edge = start('edge-node', 'edge-node/main.ts');
  await functions.ready(`http://${HOST}:${ports.functions}/readyz`);
  screen.step('functions', shown(ports.functions, defaults.functions));
  await edge.ready(`http://${HOST}:${ports.admin}/readyz`);
  const admin = `http://${shown(ports.admin, defaults.admin)}`;
  screen.step(
    'edge node',
    `${shown(ports.users, defaults.users)}, ${admin.replace(/^(\S+)/, '$1/status')}`,
  );
  return { source, functions, edge, ports };
}

/** The demo sets what it needs; nothing that this shell sets for a real service counts. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !(name in SETTINGS)));
}

async function showProgress(screen: Screen, users: readonly DemoUser[], seconds: number) {
  const started = performance.now();
  for (let passed = 0; passed < seconds; ) {
    await sleep(Math.min(PROGRESS_MS, (seconds - passed) * 1000));
    passed = (performance.now() - started) / 1000;
    const got = users.map(({ check }) => ((check.payloads * PACKET_MS) / 1000).toFixed(1));
    screen.progress(passed, seconds, `received: ${got.map((value) => `${value} s`).join(' | ')}`);
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
