import type { UserId } from '../ids.ts';
import { explain, type SetupError } from './setup-errors.ts';
import type { Store } from './store.ts';

/** How an engine is opened. */
export interface OpenOptions {
  /** Called once the store can serve no more: it is then to be closed, and another opened. */
  readonly lost?: (reason: Error) => void;
  /** Milliseconds since the Unix epoch, by which rows expire; the wall clock where it is left out. */
  readonly now?: () => number;
}

type Say = (line: string) => void;

/** What the product knows of an engine, once its code is loaded. `Config` is what its settings say. */
export interface Engine<Config> {
  /** The settings that lead to it, in one line for the log. */
  describe(config: Config): string;
  /** Whether there is something to open: where there is not, opening makes it. */
  isMade(config: Config): Promise<boolean>;
  /**
   * Makes one attempt to open the store.
   * @throws StoreSetupError with the one line to print when it can never serve as it is set; any other error when it is
   *   away
   */
  open(config: Config, options?: OpenOptions): Promise<Store>;
  /**
   * Makes what the store needs, or brings it up to date, and says so. May be repeated, and run at once from several
   * places.
   * @throws StoreSetupError when the engine refuses it as it is set; any other error when it is away
   */
  createSchema(config: Config, say: Say): Promise<void>;
  /**
   * Everybody who is registered, some at a time and in no order: for an operator's backup, beside the service.
   * @throws what `open` would
   */
  registrations(config: Config): AsyncIterable<readonly UserId[]>;
}

interface EngineParts<Config> {
  readonly describe: (config: Config) => string;
  /** Left out where opening makes nothing. */
  readonly isMade?: (config: Config) => Promise<boolean>;
  readonly open: (config: Config, options: OpenOptions) => Promise<Store>;
  readonly createSchema: (config: Config, say: Say) => Promise<void>;
  readonly registrations: (config: Config) => AsyncIterable<readonly UserId[]>;
  readonly setupErrors: readonly SetupError<Config>[];
}

/** An engine that tells mistakes in the settings from outages by its table of set-up errors. */
export function defineEngine<Config>(parts: EngineParts<Config>): Engine<Config> {
  async function explained<T>(config: Config, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw explain(parts.setupErrors, config, error);
    }
  }
  return {
    describe: parts.describe,
    isMade: parts.isMade ?? (async () => true),
    open: (config, options = {}) => explained(config, parts.open(config, options)),
    createSchema: (config, say) => explained(config, parts.createSchema(config, say)),
    async *registrations(config) {
      try {
        yield* parts.registrations(config);
      } catch (error) {
        throw explain(parts.setupErrors, config, error);
      }
    },
  };
}
