import { StoreSetupError } from '../errors.ts';

/**
 * One way in which an engine cannot serve as it is set, however long one waits. All of an engine's stand in its table;
 * whatever no row of it knows is an engine that is away, and is waited for.
 */
export interface SetupError<Config> {
  readonly when: (error: Error & { readonly code?: unknown }) => boolean;
  /** The line to print, without the error's own message. It names the setting. */
  readonly say: (config: Config) => string;
}

/** What was thrown, as a StoreSetupError if the table has a row for it. */
export function explain<Config>(
  table: readonly SetupError<Config>[],
  config: Config,
  error: unknown,
): unknown {
  if (!(error instanceof Error) || error instanceof StoreSetupError) return error;
  const found = table.find(({ when }) => when(error));
  if (found === undefined) return error;
  return new StoreSetupError(`${found.say(config)}: ${error.message}`, { cause: error });
}
