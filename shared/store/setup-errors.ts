import { StoreSetupError } from '../errors.ts';

/**
 * A mistake in the settings that waiting does not mend. An engine's table lists all of them; any other error means that the
 * engine is away, and it is tried again.
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
