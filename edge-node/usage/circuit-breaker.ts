import type { Clock } from '../../shared/clock.ts';
import { STORE_SAVE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import type { Store, UsageRow } from '../../shared/store/store.ts';
import { withTimeout } from '../../shared/with-timeout.ts';

/** The pause after a failed save doubles from the first to the second, less a random half. */
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 2_000;
/** An absence shorter than that ends without a line. */
const WORTH_A_LINE_MS = 1_000;

interface BreakerParts {
  readonly store: Store;
  readonly logger: Logger;
  readonly log: LogLimiter;
  readonly clock: Clock;
  /** Called when the store takes rows again. */
  readonly onReturn: () => void;
}

/** The way to the store: no call without a limit, and none while a failure is fresh. One line says that it is away. */
export class CircuitBreaker {
  readonly stats = { rowsSaved: 0, saveFailures: 0, reachable: true, lastError: '' };
  readonly #parts: BreakerParts;
  #failures = 0;
  #underWay = 0;
  #awaySinceMs = 0;
  #nextTryMs = 0;

  constructor(parts: BreakerParts) {
    this.#parts = parts;
  }

  /** Whether a save makes sense now. While the store is away, one at a time tries whether it is back. */
  get isOpen(): boolean {
    if (this.#failures === 0) return true;
    return this.#underWay === 0 && this.#parts.clock.monotonicMs() >= this.#nextTryMs;
  }

  /** Resolves with whether the store has taken the rows; never rejects. */
  async save(rows: readonly UsageRow[]): Promise<boolean> {
    this.#underWay += 1;
    try {
      const saving = this.#parts.store.saveUsage(rows);
      const [refused] = await withTimeout(saving, STORE_SAVE_TIMEOUT_MS);
      if (refused) throw refused.error;
      this.stats.rowsSaved += rows.length;
      this.#succeeded();
      return true;
    } catch (error) {
      this.stats.saveFailures += 1;
      this.#failed(error);
      return false;
    } finally {
      this.#underWay -= 1;
    }
  }

  #succeeded(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.stats.reachable = true;
    const awayMs = this.#parts.clock.monotonicMs() - this.#awaySinceMs;
    if (awayMs >= WORTH_A_LINE_MS) {
      const seconds = Math.round(awayMs / 1000);
      this.#parts.logger.info({ seconds }, 'usage: the store takes rows again');
    }
    this.#parts.onReturn();
  }

  #failed(error: unknown): void {
    const now = this.#parts.clock.monotonicMs();
    const message = error instanceof Error ? error.message : String(error);
    if (this.#failures === 0) {
      this.#awaySinceMs = now;
      this.#parts.log.error('usage: the store takes no rows; they wait', { err: message });
    }
    this.stats.reachable = false;
    this.stats.lastError = message;
    const pause = Math.min(PAUSE_MIN_MS * 2 ** this.#failures, PAUSE_MAX_MS);
    this.#nextTryMs = now + pause * (0.5 + Math.random() / 2);
    this.#failures += 1;
  }
}
