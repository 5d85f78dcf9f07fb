import {
  continuityOf,
  followsOn,
  isDiscontinuity,
  isRepeat,
  NO_CONTINUITY,
  PIDS,
} from './ts-packet.ts';

/** The continuity counters of all PIDs of one stream. */
export class ContinuityCounters {
  readonly #last = new Int8Array(PIDS).fill(NO_CONTINUITY);

  /** Takes the counter of the packet at `at`. Returns whether it shows that packets before it are missing. */
  tellsLoss(bytes: Buffer, at: number, header: number, pid: number): boolean {
    const previous = this.#last[pid] ?? NO_CONTINUITY;
    this.#last[pid] = continuityOf(header);
    if (followsOn(previous, header) || isRepeat(previous, header)) return false;
    return !isDiscontinuity(bytes, at, header);
  }

  /** The stream goes on elsewhere: the next packet of each PID may have any counter. */
  reset(): void {
    this.#last.fill(NO_CONTINUITY);
  }
}
