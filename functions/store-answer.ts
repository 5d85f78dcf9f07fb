import { HttpError } from '../shared/errors.ts';
import { STORE_TIMEOUT_MS } from '../shared/limits.ts';
import { withinLimit } from '../shared/time-limit.ts';

/** What the store answers within its time limit. What goes wrong there is the error's cause, for the log alone. */
export async function storeAnswer<T>(answer: Promise<T>): Promise<T> {
  try {
    return await withinLimit(answer, STORE_TIMEOUT_MS);
  } catch (cause) {
    throw new HttpError('store_unavailable', { cause });
  }
}
