import type { Clock } from '../../shared/clock.ts';
import {
  SLICE_ARRIVALS_LATE_MS,
  SLICE_ARRIVALS_MAX_MS,
  SLICE_ARRIVALS_MS,
  SLICE_MS,
} from '../../shared/limits.ts';
import type { Channel, Watcher } from '../channels/channel.ts';
import type { Overload } from './overload.ts';

/** Watchers between two looks at the clock: a write takes far longer than a look, and far less than a slice. */
const WATCHERS_BETWEEN_LOOKS = 4;

/**
 * Deals out the turns of the event loop, in rounds: every watcher of a channel whose runs have closed advances, then
 * everyone who was behind. A round takes as many slices of SLICE_MS as it needs, and sockets are polled between them:
 * however many users there are, newcomers are accepted and the source is read meanwhile. While connections arrive the
 * slices are shorter, since each poll accepts one. Nobody has more than one write a round, so a user who catches up
 * holds up nobody.
 *
 *     runsClosed, behind ──▶ the next round      a slice, poll, a slice, poll, … ──▶ round done ──▶ the next begins
 */
export class Turns {
  readonly #clock: Clock;
  readonly #overload: Overload;
  /** Counts the connections that have come. */
  readonly #arrivals: { readonly accepted: number };
  #acceptedBefore = 0;
  #channels = new Set<Channel>();
  #behind = new Set<Watcher>();
  /** When the first work for the next round came. */
  #dueMs = 0;
  #round: Round | undefined;
  #turn: NodeJS.Immediate | undefined;
  readonly #deliver = () => this.#slice();

  constructor(clock: Clock, overload: Overload, arrivals: { readonly accepted: number }) {
    this.#clock = clock;
    this.#overload = overload;
    this.#arrivals = arrivals;
  }

  runsClosed(channel: Channel): void {
    this.#noteDue();
    this.#channels.add(channel);
  }

  behind(watcher: Watcher): void {
    this.#noteDue();
    this.#behind.add(watcher);
  }

  stop(): void {
    clearImmediate(this.#turn);
  }

  #noteDue(): void {
    if (this.#channels.size === 0 && this.#behind.size === 0) {
      this.#dueMs = this.#clock.monotonicMs();
    }
    this.#turn ??= setImmediate(this.#deliver);
  }

  #slice(): void {
    const beganMs = this.#clock.monotonicMs();
    this.#round ??= this.#nextRound();
    const { dueMs } = this.#round;
    const isDone = this.#advance(this.#round, beganMs, beganMs + this.#sliceMs(beganMs - dueMs));
    const nowMs = this.#clock.monotonicMs();
    this.#overload.sliceEnded(dueMs, beganMs, nowMs);
    if (isDone) {
      this.#overload.roundEnded(nowMs, nowMs - dueMs);
      this.#round = undefined;
    }
    const isMore = !isDone || this.#channels.size > 0 || this.#behind.size > 0;
    this.#turn = isMore ? setImmediate(this.#deliver) : undefined;
  }

  /** A round that is late gets longer slices beside those who arrive, too. */
  #sliceMs(lateMs: number): number {
    const { accepted } = this.#arrivals;
    const isArriving = accepted !== this.#acceptedBefore;
    this.#acceptedBefore = accepted;
    if (!isArriving) return SLICE_MS;
    const times = Math.max(1, lateMs / SLICE_ARRIVALS_LATE_MS);
    return Math.min(SLICE_ARRIVALS_MS * times, SLICE_ARRIVALS_MAX_MS);
  }

  #nextRound(): Round {
    const round = new Round(this.#channels, this.#behind, this.#dueMs);
    this.#channels = new Set();
    this.#behind = new Set();
    return round;
  }

  /** @returns whether the round is done; else the time is up */
  #advance(round: Round, beganMs: number, endMs: number): boolean {
    let nowMs = beganMs;
    let looked = 0;
    for (;;) {
      const watchers = round.watchers;
      if (watchers === undefined) return true;
      for (const watcher of watchers) {
        round.noteTurn(watcher);
        watcher.advance(nowMs);
        looked += 1;
        if (looked < WATCHERS_BETWEEN_LOOKS) continue;
        looked = 0;
        nowMs = this.#clock.monotonicMs();
        if (nowMs >= endMs) return false;
      }
      const { channel } = round;
      round.next();
      // Whose runs have closed again meanwhile goes on with the next round.
      if (channel !== undefined && !this.#channels.has(channel)) channel.roundEnded(nowMs);
    }
  }
}

/**
 * How far a round has come. A slice goes on where the one before it stopped: iterators of sets allow it, whoever is
 * added or deleted in between. All are sets, so that stepping through them is compiled for one kind of iterator.
 */
class Round {
  readonly dueMs: number;
  readonly #channels: IterableIterator<Channel>;
  readonly #behind: Set<Watcher>;
  #isAtBehind = false;
  /** Whose watchers have their turn now; undefined for those who were behind. */
  channel: Channel | undefined;
  /** Whose turn is still to come, of the present channel or of those who were behind; undefined once all had theirs. */
  watchers: IterableIterator<Watcher> | undefined;

  constructor(channels: ReadonlySet<Channel>, behind: Set<Watcher>, dueMs: number) {
    this.dueMs = dueMs;
    this.#channels = channels.values();
    this.#behind = behind;
    this.next();
  }

  /** Who is behind, too, has no second turn for it. */
  noteTurn(watcher: Watcher): void {
    if (!this.#isAtBehind && this.#behind.size > 0) this.#behind.delete(watcher);
  }

  next(): void {
    const { value, done } = this.#channels.next();
    this.channel = done ? undefined : value;
    if (this.channel !== undefined) {
      this.watchers = this.channel.watchers.values();
    } else if (!this.#isAtBehind) {
      this.#isAtBehind = true;
      this.watchers = this.#behind.values();
    } else {
      this.watchers = undefined;
    }
  }
}
