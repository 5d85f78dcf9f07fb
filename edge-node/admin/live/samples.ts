import { wallClockMs } from '../../../shared/clock.ts';
import { OPERATOR_HISTORY_SAMPLES, OPERATOR_TICK_MS } from '../../../shared/limits.ts';
import type { EdgeView } from '../edge-view.ts';
import type { Sample } from '../snapshot.ts';
import { bytesReadOf } from '../sources/source-status.ts';
import { round } from '../status.ts';

const MICROSECONDS_OF_MS = 1_000;

/** What the node did in each of the last seconds, for charts that begin before anybody looks at them. */
export class Samples {
  readonly #view: EdgeView;
  readonly #kept: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #cpu = process.cpuUsage();
  #takenMs: number;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(view: EdgeView) {
    this.#view = view;
    this.#takenMs = view.clock.monotonicMs();
  }

  start(): void {
    this.#timer = setInterval(() => this.#take(), OPERATOR_TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The oldest first. */
  get all(): readonly Sample[] {
    return this.#kept;
  }

  /** The newest; what is true now where none was taken yet. */
  get newest(): Sample {
    return this.#kept.at(-1) ?? this.#sample();
  }

  #take(): void {
    if (this.#kept.push(this.#sample()) > OPERATOR_HISTORY_SAMPLES) this.#kept.shift();
  }

  #sample(): Sample {
    const { clock, feed, sessions, channels, loopDelay } = this.#view;
    const nowMs = clock.monotonicMs();
    const passedMs = Math.max(1, nowMs - this.#takenMs);
    const { user, system } = process.cpuUsage(this.#cpu);
    const bytesIn = bytesReadOf(feed);
    let bytesOut = 0;
    for (const channel of channels.channels) bytesOut += channel.deliveredBytes;
    const perSecond = (bytes: number) => Math.max(0, Math.round((bytes * 1000) / passedMs));
    const sample = {
      at: wallClockMs(),
      users: sessions.size,
      bytesIn: perSecond(bytesIn - this.#bytesIn),
      // A channel that is forgotten takes what it counted with it.
      bytesOut: perSecond(bytesOut - this.#bytesOut),
      cpu: Math.round((1000 * (user + system)) / MICROSECONDS_OF_MS / passedMs) / 1000,
      loopDelayMs: round(loopDelay.takeWorstMs()),
    };
    this.#cpu = process.cpuUsage();
    this.#takenMs = nowMs;
    this.#bytesIn = bytesIn;
    this.#bytesOut = bytesOut;
    return sample;
  }
}
