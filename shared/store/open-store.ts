import { type Clock, systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { asError } from '../errors.ts';
import { STORE_TIMEOUT_MS } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { withTimeout } from '../with-timeout.ts';
import { loadEngine } from './engines.ts';
import { openReconnecting } from './reconnecting-store.ts';
import type { Store } from './store.ts';

/**
 * Opens the store that STORE names, and loads no other's code.
 *
 * A store that is merely away does not hold up the start: this resolves all the same. At any time, while the store is
 * away, calls reject, and one line every 10 s says which store is waited for.
 * @param clock by which rows expire: the process's own, where it dates rows
 * @throws StoreSetupError with the one line to print, within 15 s, when the store can never serve as it is set
 */
export async function openStore(
  config: Config,
  logger: Logger,
  clock: Pick<Clock, 'epochMs'> = systemClock(),
): Promise<Store> {
  const engine = await loadEngine(config.STORE);
  const name = `STORE=${config.STORE} ${engine.describe(config)}`;
  const now = () => clock.epochMs();
  return openReconnecting((lost) => engine.open(config, { lost, now }), logger, name);
}

/** Closes a store when the process stops. One that hangs is left after STORE_TIMEOUT_MS. */
export async function closeStore(store: Store, logger: Logger): Promise<void> {
  await withTimeout(store.close(), STORE_TIMEOUT_MS).catch((thrown: unknown) => {
    const seconds = STORE_TIMEOUT_MS / 1000;
    const message = `closing the store failed or took over ${seconds} s; stopping anyway`;
    logger.warn({ err: asError(thrown) }, message);
  });
}
