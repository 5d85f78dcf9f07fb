import { HttpError } from '../shared/errors.ts';
import { STORE_TIMEOUT_MS } from '../shared/limits.ts';
import { withTimeout } from '../shared/with-timeout.ts';

/**
 * What the store answers within its time limit. What goes wrong there is the error's cause, for the log alone. The
 * signal that `ask` is given is aborted once nobody waits any more: the time is over, or the client has gone.
 * @param client aborted when the client goes
 */
export async function storeAnswer<T>(
  ask: (abandoned: AbortSignal) => Promise<T>,
  client?: AbortSignal,
): Promise<T> {
  const settled = new AbortController();
  const signals = client === undefined ? [settled.signal] : [settled.signal, client];
  try {
    return await withTimeout(ask(AbortSignal.any(signals)), STORE_TIMEOUT_MS);
  } catch (cause) {
    // Nobody hears this, and the store has done nothing wrong.
    if (client?.aborted) throw new HttpError('bad_request', { cause });
    throw new HttpError('store_unavailable', { cause });
  } finally {
    settled.abort();
  }
}
