import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { StoreName } from '../../../shared/store/engines.ts';
import { LOCAL_ENGINES } from '../../local/engines/engines.ts';
import { DemoError } from '../demo-error.ts';
import { Service } from './service.ts';

/** The store of one demo: empty, on this machine, and gone with the demo. */
export interface DemoStore {
  /** What the services are set to. */
  readonly env: NodeJS.ProcessEnv;
  readonly where: string;
  stop(): Promise<void>;
}

export interface DemoStoreOptions {
  readonly store: StoreName;
  readonly folder: string;
  /** A clean environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: (name: string) => string | undefined;
  /** Is told what takes long. */
  readonly say: (line: string) => void;
}

export async function openDemoStore(options: DemoStoreOptions): Promise<DemoStore> {
  const { store, folder } = options;
  const local = LOCAL_ENGINES[store];
  if (local.kind === 'embedded') {
    const files = local.files(folder);
    for (const file of files) rmSync(file, { force: true });
    return {
      env: { STORE: store, ...local.environment(folder) },
      where: relative(process.cwd(), files[0] ?? folder),
      stop: async () => {},
    };
  }
  const { port, stop } = await keepEngine(store, options);
  const env = { STORE: store, ...local.environment(local.endpoint(port)) };
  const schema = new Service({
    name: 'schema',
    script: 'infra/schema.ts',
    env: { ...options.env, ...env },
    logFile: options.logFile('schema'),
  });
  await schema.finished();
  return { env, where: `127.0.0.1:${port}`, stop };
}

async function keepEngine(
  store: string,
  { env, say }: DemoStoreOptions,
): Promise<{ port: number; stop: () => Promise<void> }> {
  say(`starting ${store}, which may take a minute`);
  const keeper = spawn(process.execPath, [`${import.meta.dirname}/engine-keeper.ts`, store], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // Ctrl-C is for the demo alone; the keeper ends by its standard input
  });
  const exited = once(keeper, 'exit');
  const said: string[] = [];
  for await (const line of createInterface(keeper.stdout)) {
    const port = /^port (\d+)$/.exec(line)?.[1];
    if (port !== undefined) {
      const stop = async (): Promise<void> => {
        keeper.stdin.end();
        await exited;
      };
      return { port: Number(port), stop };
    }
    said.push(line);
    say(line);
  }
  throw new DemoError(`${store} cannot be started: ${said.at(-1)}`);
}
