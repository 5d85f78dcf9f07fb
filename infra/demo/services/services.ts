import { SETTINGS } from '../../../shared/config.ts';
import type { StoreName } from '../../../shared/store/engines.ts';
import { cleanEnvironment } from '../../local/environment.ts';
import { CLIP_NAMES } from '../media/clip.ts';
import type { Screen } from '../screen.ts';
import { type DemoStore, openDemoStore } from './demo-store.ts';
import { HOST, Ports } from './ports.ts';
import { Service } from './service.ts';

export const SHUFFLE_PACKETS = 16;

export interface ServicesOptions {
  /** For logs and the embedded store. */
  readonly folder: string;
  /** Else each service's log is a file. */
  readonly logsToStdout: boolean;
  readonly store: StoreName;
}

/** All that the demo runs, ready. */
export interface Services {
  readonly store: DemoStore;
  readonly source: Service;
  readonly functions: Service;
  readonly edge: Service;
  readonly ports: Ports;
}

export async function startServices(screen: Screen, options: ServicesOptions): Promise<Services> {
  const { folder, logsToStdout } = options;
  const logFile = (name: string): string | undefined =>
    logsToStdout ? undefined : `${folder}/${name}.log`;
  const ports = await Ports.choose();
  const clean = withoutSettings(cleanEnvironment(process.env));
  const say = (line: string): void => screen.note(line);
  const store = await openDemoStore({ store: options.store, folder, env: clean, logFile, say });
  screen.step('store', `${store.where}  ${options.store}`);
  const env = {
    ...clean,
    ...store.env,
    ...ports.env,
    USAGE_SPOOL_DIR: `${folder}/spool`,
    CHANNEL_SOURCE_HOST: HOST,
    // A machine so busy that the source itself pauses for a second is no reason for a gap.
    REORDER_DEADLINE_MS: '5000',
    DRAIN_MS: '0',
    WATCH_REGISTER: 'open',
  };

  const source = new Service({
    name: 'channel-source',
    script: 'infra/demo/source/channel-source.ts',
    args: [
      ...['--port', String(ports.port('source')), '--channels', CLIP_NAMES.join(',')],
      ...['--shuffle', String(SHUFFLE_PACKETS)],
    ],
    env,
    logFile: logFile('channel-source'),
    collectOutput: true,
  });
  screen.step('channel source', `${ports.describe('source')}  ${CLIP_NAMES.join(', ')}`);
  const start = (name: string, script: string): Service =>
    new Service({ name, script, env, logFile: logFile(name) });
  const functions = start('functions', 'functions/server.ts');
  const edge = start('edge-node', 'edge-node/main.ts');
  await functions.ready(`http://${ports.address('functions')}/readyz`);
  screen.step('functions', `${ports.describe('functions')}  /register, /usage`);
  await edge.ready(`http://${ports.address('admin')}/readyz`);
  screen.step('edge node', `${ports.describe('users')}  users`);
  screen.step('', `${ports.describe('admin')}  / (operators), /status, /metrics`);
  screen.step('', `${ports.describe('watch')}  / (a page that plays), /watch/{channel}`);
  return { store, source, functions, edge, ports };
}

/** The demo sets what it needs; nothing that this shell sets for a real service counts. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !(name in SETTINGS)));
}
