import { NEVER } from './phases.ts';

/**
 * What a channel in order remembers of a new connection to the source, until its expected packet comes. What the source
 * sent while it was not connected is gone, so the first packet of the new connection may lie behind a gap that nobody
 * will fill. That gap is given up after REORDER_SETTLE_MS, and not only after REORDER_DEADLINE_MS.
 */
export class Reconnection {
  /** No packet of the window has come on the newest connection yet. */
  awaitsFirst = true;
  /** When the gap that the new connection has left is given up, unless the expected packet comes first. */
  resumeByMs = NEVER;

  /** There is a newer connection. A gap that the one before has left is still given up at its time. */
  again(): void {
    this.awaitsFirst = true;
  }

  /** A packet of the window has come. */
  goesOn(isWindowEmpty: boolean, nowMs: number, settleMs: number): void {
    if (isWindowEmpty && nowMs >= this.resumeByMs) this.resumeByMs = NEVER; // nothing waits behind a gap any more
    if (!this.awaitsFirst) return;
    this.awaitsFirst = false;
    this.resumeByMs = nowMs + settleMs;
  }

  /** The gap is given up. */
  resume(): void {
    this.resumeByMs = NEVER;
  }
}
