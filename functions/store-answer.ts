import { HttpError } from '../shared/errors.ts';
import { STORE_TIMEOUT_MS } from '../shared/limits.ts';
import type { Store } from '../shared/store/store.ts';
import { withTimeout } from '../shared/with-timeout.ts';
import type { Metrics } from './metrics.ts';
import type { AskStore } from './route.ts';
import type { Tracing } from './tracing/tracing.ts';

/**
 * How routes ask the store: within its time limit. What goes wrong there is the error's cause, for the log alone. The
 * signal that a question is given is aborted once nobody waits any more: the time is over, or the client has gone.
 */
export function storeAnswers(
  store: Store,
  metrics: Metrics | undefined,
  tracing: Tracing | undefined,
): AskStore {
  return async (operation, ask, client) => {
    const abandoned = new AbortController();
    const abandon = () => abandoned.abort();
    client?.addEventListener('abort', abandon);
    const beganMs = performance.now();
    const tell = (outcome: 'ok' | 'failed') =>
      metrics?.storeAnswered(operation, outcome, performance.now() - beganMs);
    try {
      const within = () => withTimeout(ask(store, abandoned.signal), STORE_TIMEOUT_MS);
      const answer = await (tracing?.storeAsked(operation, within) ?? within());
      tell('ok');
      return answer;
    } catch (cause) {
      abandon();
      // The client has gone: nobody reads this answer, and it is no failure of the store.
      if (client?.aborted) throw new HttpError('bad_request', { cause });
      tell('failed');
      throw new HttpError('store_unavailable', { cause });
    } finally {
      client?.removeEventListener('abort', abandon);
    }
  };
}
