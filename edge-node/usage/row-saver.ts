import type { Clock } from '../../shared/clock.ts';
import { asError } from '../../shared/errors.ts';
import { STORE_SAVE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import type { Store, UsageRow } from '../../shared/store/store.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

/** An outage shorter than this ends without a line in the log. */
const WORTH_A_LINE_MS = 1_000;

/** `answered`: the store has taken all rows but the refused. `failed`: nothing is known of any row. */
export type SaveOutcome =
  | { readonly kind: 'answered'; readonly refused: ReadonlySet<UsageRow> }
  | { readonly kind: 'failed' };

interface SaverParts {
  readonly store: Pick<Store, 'saveUsage'>;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
  readonly clock: Clock;
  /** Called when the store takes rows again. */
  readonly onReturn: () => void;
}

/**
 * The only way of usage into the store: each call has a time limit, and after a failure there is a pause. A store that
 * answers but refuses some rows is not away: the others go on being saved.
 */
export class RowSaver {
  readonly stats = {
    rowsSaved: 0,
    rowsRefused: 0,
    saveFailures: 0,
    reachable: true,
    lastError: '',
  };
  readonly #parts: SaverParts;
  readonly #breaker = new CircuitBreaker();

  constructor(parts: SaverParts) {
    this.#parts = parts;
  }

  /** Whether a save makes sense now. */
  get isReady(): boolean {
    return this.#breaker.allows(this.#parts.clock.monotonicMs());
  }

  /** Never rejects. */
  async save(rows: readonly UsageRow[]): Promise<SaveOutcome> {
    this.#breaker.begin();
    try {
      const saving = this.#parts.store.saveUsage(rows);
      const refused = await withTimeout(saving, STORE_SAVE_TIMEOUT_MS);
      this.#answered();
      this.stats.rowsSaved += rows.length - refused.length;
      if (refused[0]) this.#refused(refused.length, refused[0].error);
      this.stats.reachable = refused.length < rows.length || rows.length === 0;
      return { kind: 'answered', refused: new Set(refused.map(({ row }) => row)) };
    } catch (error) {
      this.#failed(asError(error));
      return { kind: 'failed' };
    }
  }

  #answered(): void {
    const awayMs = this.#breaker.succeeded(this.#parts.clock.monotonicMs());
    if (awayMs === undefined) return;
    if (awayMs >= WORTH_A_LINE_MS) {
      const seconds = Math.round(awayMs / 1000);
      this.#parts.logger.info({ seconds }, 'usage: the store takes rows again');
    }
    this.#parts.onReturn();
  }

  #refused(rows: number, err: Error): void {
    this.stats.rowsRefused += rows;
    this.stats.lastError = err.message;
    const message = 'usage: the store refused some rows; they wait and are retried';
    this.#parts.limiter.warn(message, { err, rows });
  }

  #failed(err: Error): void {
    this.stats.saveFailures += 1;
    this.stats.reachable = false;
    this.stats.lastError = err.message;
    if (this.#breaker.failed(this.#parts.clock.monotonicMs())) {
      this.#parts.limiter.error(
        'usage: the store fails; rows wait in memory and in the spool, and are retried',
        { err },
      );
    }
  }
}
