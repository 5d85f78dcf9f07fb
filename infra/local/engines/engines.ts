import type { StoreName } from '../../../shared/store/engines.ts';
import { freePorts } from '../free-ports.ts';
import { CASSANDRA } from './cassandra.ts';
import { DYNAMODB } from './dynamodb.ts';
import type { EmbeddedEngine, EngineOptions, ServerEngine } from './engine-kind.ts';
import type { LocalEngine } from './local-engine.ts';
import { SQLITE } from './sqlite.ts';

/** How each engine of shared/store/engines.ts is had on this machine: by tests, the demo, the benches and operators. */
export const LOCAL_ENGINES = {
  cassandra: CASSANDRA,
  dynamodb: DYNAMODB,
  sqlite: SQLITE,
} as const satisfies Record<StoreName, ServerEngine | EmbeddedEngine>;

/** The engines that are servers of their own. */
export const SERVER_ENGINES = new Map<string, ServerEngine>(
  Object.entries<ServerEngine | EmbeddedEngine>(LOCAL_ENGINES).flatMap(([name, engine]) =>
    engine.kind === 'server' ? [[name, engine]] : [],
  ),
);

/** The server of that name. @throws RangeError where there is none */
export function serverEngine(name: string | undefined): ServerEngine {
  const engine = SERVER_ENGINES.get(name ?? '');
  if (engine !== undefined) return engine;
  throw new RangeError(`the engines that can be started are ${[...SERVER_ENGINES.keys()]}`);
}

/** An engine of one's own on a free port of loopback, ready to serve. @throws EngineUnavailable where it cannot run */
export async function startEngine(name: string, options: EngineOptions = {}): Promise<LocalEngine> {
  const [port = 0] = await freePorts(1);
  const engine = await serverEngine(name).create(port, options);
  await engine.startOrRemove();
  return engine;
}
