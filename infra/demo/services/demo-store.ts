import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Config } from '../../../shared/config.ts';
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
  readonly store: Config['STORE'];
  readonly folder: string;
  /** A clean environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: (name: string) => string | undefined;
  /** Is told what takes long. */
  readonly say: (line: string) => void;
}

export async function openDemoStore(options: DemoStoreOptions): Promise<DemoStore> {
  const { store, folder } = options;
  if (store === 'sqlite') {
    const file = `${folder}/demo.db`;
    for (const part of ['', '-wal', '-shm']) rmSync(file + part, { force: true });
    return {
      env: { STORE: store, SQLITE_PATH: file },
      where: relative(process.cwd(), file),
      stop: async () => {},
    };
  }
  const { port, stop } = await keepEngine(store, options);
  const where = `127.0.0.1:${port}`;
  const address =
    store === 'cassandra' ? { DB_NODES: where } : { AWS_ENDPOINT_URL: `http://${where}` };
  const env = { STORE: store, ...address };
  const schema = new Service({
    name: 'schema',
    script: 'infra/cassandra/schema.ts',
    env: { ...options.env, ...env },
    logFile: options.logFile('schema'),
  });
  await schema.finished();
  return { env, where, stop };
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
