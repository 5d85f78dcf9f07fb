import type { CloseReason, RefusalCode } from '../../shared/errors.ts';

/** How many connections came, and why they ended, over all transports. */
export class ConnectionCounts {
  accepted = 0;
  readonly closes = new Map<CloseReason, number>();
  readonly refusals = new Map<RefusalCode, number>();

  closed(reason: CloseReason): void {
    this.closes.set(reason, (this.closes.get(reason) ?? 0) + 1);
  }

  refused(code: RefusalCode): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    this.closed('refused');
  }
}
