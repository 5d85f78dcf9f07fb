import { HttpError } from '../shared/errors.ts';
import { STORE_TIMEOUT_MS } from '../shared/limits.ts';
import { withTimeout } from '../shared/with-timeout.ts';

/** What the store answers within its time limit. What goes wrong there is the error's cause, for the log alone. */
export async function storeAnswer<T>(answer: Promise<T>): Promise<T> {
  try {
    return await withTimeout(answer, STORE_TIMEOUT_MS);
  } catch (cause) {
    throw new HttpError('store_unavailable', { cause });
  }
}
