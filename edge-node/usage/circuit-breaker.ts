import { backoffMs } from '../../shared/net/backoff.ts';

/** The pause after a failure doubles from the least to the longest; up to half of it is taken off at random. */
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 2_000;

type State =
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'open';
      readonly sinceMs: number;
      readonly failures: number;
      readonly retryAtMs: number;
    }
  | { readonly kind: 'half-open'; readonly sinceMs: number; readonly failures: number };

/**
 * Whether calls to the store make sense now. Pure: monotonic time comes in as an argument.
 *
 *     closed ──failed──▶ open ──the pause is over, a call begins──▶ half-open
 *       ▲                  ▲                                            │
 *       │                  └──────────────────failed────────────────────┤
 *       └─────────────────────────succeeded────────────────────────────┘
 *
 * Calls that began while it was closed may end at any time: a success closes it, and a failure of theirs counts once.
 */
export class CircuitBreaker {
  #state: State = { kind: 'closed' };

  /** Whether a call makes sense now. */
  allows(nowMs: number): boolean {
    const state = this.#state;
    return state.kind === 'closed' || (state.kind === 'open' && nowMs >= state.retryAtMs);
  }

  /** A call begins. While open it is the one trial: until it has ended no other call is allowed. */
  begin(): void {
    if (this.#state.kind !== 'open') return;
    const { sinceMs, failures } = this.#state;
    this.#state = { kind: 'half-open', sinceMs, failures };
  }

  /** @returns how long calls have failed, if this is the first success since */
  succeeded(nowMs: number): number | undefined {
    const before = this.#state;
    this.#state = { kind: 'closed' };
    return before.kind === 'closed' ? undefined : nowMs - before.sinceMs;
  }

  /** @returns whether this is the first failure since the last success */
  failed(nowMs: number): boolean {
    const before = this.#state;
    if (before.kind === 'open') return false;
    const { sinceMs, failures } =
      before.kind === 'closed' ? { sinceMs: nowMs, failures: 0 } : before;
    const retryAtMs = nowMs + backoffMs(failures, PAUSE_MIN_MS, PAUSE_MAX_MS);
    this.#state = { kind: 'open', sinceMs, failures: failures + 1, retryAtMs };
    return before.kind === 'closed';
  }
}
