import type { LogBudget } from './log-budget.ts';

/** Who keeps packets that wait out of order. */
interface Holder {
  readonly heldBytes: number;
  /** Hands on all that waits. */
  handOnHeld(): void;
}

/**
 * Brings the memory of all channels back within its bound, once per turn of the event loop, which takes at most
 * SOURCE_TURN_BYTES more. First what waits out of order is brought down to its share, from the channels that keep most
 * of it on, so that one channel's disorder takes nothing from another's log; then the oldest runs of all go.
 */
export class MemoryRelief {
  readonly #budget: LogBudget;
  readonly #channels: Iterable<Holder>;
  #turn: NodeJS.Immediate | undefined;

  constructor(budget: LogBudget, channels: Iterable<Holder>) {
    this.#budget = budget;
    this.#channels = channels;
  }

  schedule(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.relieve();
    });
  }

  stop(): void {
    clearImmediate(this.#turn);
  }

  relieve(): void {
    const { heldBytes, heldLimitBytes } = this.#budget;
    // Down to half of the share: if only little were freed, all channels would be searched again in every turn.
    if (heldBytes > heldLimitBytes) this.#handOnLargest(heldLimitBytes / 2);
    this.#budget.dropRuns();
  }

  #handOnLargest(untilBytes: number): void {
    const holding = [...this.#channels].filter(({ heldBytes }) => heldBytes > 0);
    for (const channel of holding.sort((a, b) => b.heldBytes - a.heldBytes)) {
      if (this.#budget.heldBytes <= untilBytes) return;
      channel.handOnHeld();
    }
  }
}
