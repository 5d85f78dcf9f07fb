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
    settings: DYNAMODB_SETTINGS,
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
  readonly settings: Readonly<Record<string, Setting<unknown>>>;
  readonly load: () => Promise<unknown>;
}

export type StoreName = keyof typeof ENGINES;
export const STORE_NAMES = Object.keys(ENGINES) as readonly StoreName[];

type Engines = typeof ENGINES;

/** The settings of each engine, by its title. */
export const STORE_ENGINE_SETTINGS = Object.fromEntries(
  Object.values(ENGINES).map(({ title, settings }) => [title, settings]),
) as { readonly [Name in StoreName as Engines[Name]['title']]: Engines[Name]['settings'] };

/** The code of the engine of that name. */
export function loadEngine(name: StoreName) {
  return ENGINES[name].load();
}
