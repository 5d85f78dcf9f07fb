import { setImmediate as polled, setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import { ADMISSION_WAIT_MS } from '../../shared/limits.ts';

/** Let in, or refused, in one turn of the event loop: less than a slice's worth of work. */
const IN_A_TURN = 8;
/** How often it is looked whether there is room now. */
const LOOK_MS = 25;

/** Tells how many may be let in. */
export interface Capacity {
  /** Whether newcomers are to be refused. */
  isFull(): boolean;
  /** How many may come now; 0 where that is not known yet. */
  room(): number;
}

interface Waiter {
  readonly sinceMs: number;
  readonly answer: (isLetIn: boolean) => void;
}

/**
 * Lets newcomers in, in the order in which they came, as far as there is room. While it is not known whether there is,
 * they wait for the next measurement: refusing a client that could have been carried is worse than letting it wait for
 * a moment, and letting it in blindly is worse for all who are in. Whoever has waited for ADMISSION_WAIT_MS is refused.
 */
export class WaitingRoom {
  readonly #capacity: Capacity;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  /** Let in, and not counted as users yet: a worker asks its supervisor for the place first. */
  #entering = 0;

  constructor(capacity: Capacity, clock: Clock) {
    this.#capacity = capacity;
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** @returns whether the newcomer is let in; whoever is, has room kept for it until hasEntered() */
  pass(): boolean | Promise<boolean> {
    if (this.#capacity.isFull()) return false;
    if (this.#waiting.size === 0 && this.#room > 0) {
      this.#entering += 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.add({ sinceMs: this.#clock.monotonicMs(), answer: resolve });
    if (this.#waiting.size === 1) void this.#answerAll();
    return promise;
  }

  /** A newcomer who was let in is one of the users now, or does not come. */
  hasEntered(): void {
    this.#entering -= 1;
  }

  get #room(): number {
    return this.#capacity.room() - this.#entering;
  }

  async #answerAll(): Promise<void> {
    await polled();
    while (this.#waiting.size > 0) {
      const answered = this.#answerSome();
      await (answered ? polled() : sleep(LOOK_MS));
    }
  }

  /** @returns whether anyone got an answer */
  #answerSome(): boolean {
    const isFull = this.#capacity.isFull();
    const room = this.#room;
    const untilMs = this.#clock.monotonicMs() - ADMISSION_WAIT_MS;
    let answered = 0;
    for (const waiter of this.#waiting) {
      const isLetIn = !isFull && answered < room;
      if (answered === IN_A_TURN || !(isLetIn || isFull || waiter.sinceMs <= untilMs)) break;
      this.#waiting.delete(waiter);
      if (isLetIn) this.#entering += 1;
      waiter.answer(isLetIn);
      answered += 1;
    }
    return answered > 0;
  }
}
