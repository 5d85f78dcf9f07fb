/** Later than any time. */
const NEVER = Number.POSITIVE_INFINITY;

/**
 * A new connection to the source, for a channel that is in order, until the expected packet comes. Where the source
 * was away, its first packet may come behind a gap that nobody will fill, and that need not be waited for up to the
 * deadline.
 */
export class Reconnection {
  /** No packet of the window has come on the newest connection. */
  awaitsFirst = true;
  /** Unless the expected packet comes, the gap that a new connection found is given up at this time. */
  resumeByMs = NEVER;

  /** There is a newer connection; what the one before waits for still holds. */
  again(): void {
    this.awaitsFirst = true;
  }

  /** A packet of the window has come. */
  goesOn(isWindowEmpty: boolean, nowMs: number, settleMs: number): void {
    if (isWindowEmpty && nowMs >= this.resumeByMs) this.resumeByMs = NEVER; // it came while nothing waited
    if (!this.awaitsFirst) return;
    this.awaitsFirst = false;
    this.resumeByMs = nowMs + settleMs;
  }

  /** The gap is given up. */
  resume(): void {
    this.resumeByMs = NEVER;
  }
}
