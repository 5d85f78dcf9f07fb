import type { ChannelId, Minute, UserId, WriterId } from '../../shared/ids.ts';
import type { UsageRow } from '../../shared/store/store.ts';
import type { ClockStep } from './clock-step.ts';

/** A spool file of this process's, with the cells whose newest durable copy it holds. */
export interface SpooledFile {
  readonly name: string;
  readonly cells: Set<UsageCell>;
}

/**
 * What one user watched of one channel in one minute, and how far that has come: under one date `deliveredMs` only grows,
 * and no other mark passes it. Once its minute has ended, a cell no longer grows.
 */
export class UsageCell {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  /** Minute and writer change only where a step of the clock dates the cell anew. */
  minute: Minute;
  writerId: WriterId;
  /** Counted. */
  deliveredMs = 0;
  /** Handed to the writer. */
  submittedMs = 0;
  /** Confirmed by the store. */
  storedMs = 0;
  /** Durable in `copy`; 0 without one. */
  spooledMs = 0;
  copy: SpooledFile | undefined = undefined;

  constructor(userId: UserId, channelId: ChannelId, minute: Minute, writerId: WriterId) {
    this.userId = userId;
    this.channelId = channelId;
    this.minute = minute;
    this.writerId = writerId;
  }

  /** All that was counted is durable in the spool. */
  get isSpooled(): boolean {
    return this.spooledMs === this.deliveredMs;
  }

  /** The cell as the store is to have it now. */
  toRow(final: boolean): UsageRow {
    const { userId, minute, channelId, writerId, deliveredMs } = this;
    return { userId, minute, channelId, writerId, deliveredMs, final };
  }

  /** Nothing of the cell is to be stored any more: a save or a spool file that is under way changes nothing about it. */
  settle(): void {
    this.storedMs = this.deliveredMs;
  }

  /** Whether `row` is of this cell as it is dated now. */
  isKeyOf(row: UsageRow): boolean {
    return row.minute === this.minute && row.writerId === this.writerId;
  }

  /**
   * Gives the cell another date: a row of its own, of which nothing was handed on, stored or made durable yet. The
   * copy under the old date stays until there is a newer one.
   */
  redate({ minutes, heirOf, keepsStored }: ClockStep): void {
    this.minute = (this.minute + minutes) as Minute;
    this.writerId = heirOf(this.writerId);
    if (keepsStored) this.deliveredMs -= this.storedMs;
    this.submittedMs = 0;
    this.storedMs = 0;
    this.spooledMs = 0;
  }
}
