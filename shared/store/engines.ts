import type { Setting } from '../config/setting.ts';
import { CASSANDRA_SETTINGS } from './cassandra/settings.ts';
import { DYNAMODB_SETTINGS } from './dynamodb/settings.ts';
import { SQLITE_SETTINGS } from './sqlite/settings.ts';

/**
 * The engines that STORE may name, a row and a folder each. Nothing else of the product names one; how one is started
 * on a developer's machine stands in infra/local/engines. An engine's code is loaded when it is used, and not before.
 */
const ENGINES = {
  cassandra: {
    title: 'Cassandra',
    settings: CASSANDRA_SETTINGS,
    load: async () => (await import('./cassandra/engine.ts')).cassandra,
  },
  dynamodb: {
    title: 'DynamoDB',
    systemName: 'aws.dynamodb',
    settings: DYNAMODB_SETTINGS,
    // It is paid by the write: a row a minute costs a twelfth of one every 5 s.
    defaults: { USAGE_FLUSH_MS: '60000' },
    load: async () => (await import('./dynamodb/engine.ts')).dynamoDb,
  },
  sqlite: {
    title: 'SQLite',
    settings: SQLITE_SETTINGS,
    load: async () => (await import('./sqlite/engine.ts')).sqlite,
  },
} as const satisfies Readonly<Record<string, EngineRow>>;

interface EngineRow {
  /** As pages name it. */
  readonly title: string;
  /** As OpenTelemetry's conventions name it, where that is not its own name. */
  readonly systemName?: string;
  readonly settings: Readonly<Record<string, Setting<unknown>>>;
  /** Of settings that are not its own, where it needs others. */
  readonly defaults?: Readonly<Record<string, string>>;
  readonly load: () => Promise<unknown>;
}

export type StoreName = keyof typeof ENGINES;
export const STORE_NAMES = Object.keys(ENGINES) as readonly StoreName[];

type Engines = typeof ENGINES;

/** The settings of each engine, by its title. */
export const STORE_ENGINE_SETTINGS = Object.fromEntries(
  Object.values(ENGINES).map(({ title, settings }) => [title, settings]),
) as { readonly [Name in StoreName as Engines[Name]['title']]: Engines[Name]['settings'] };

/** The defaults that settings have with the engine of that name, in place of their own. */
export function defaultsWith(name: string): Readonly<Record<string, string>> {
  const row: EngineRow | undefined = ENGINES[name as StoreName];
  return row?.defaults ?? {};
}

/** What an engine is called in traces. */
export function systemNameOf(name: StoreName): string {
  const row: EngineRow = ENGINES[name];
  return row.systemName ?? name;
}

/** The code of the engine of that name. */
export function loadEngine(name: StoreName) {
  return ENGINES[name].load();
}
