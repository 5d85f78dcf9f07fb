import { randomBytes } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import type { ChannelId, Minute, UserId, WriterId } from '../../shared/ids.ts';
import { minuteOf } from '../../shared/ids.ts';
import type { SpooledFile } from './spool/spool.ts';

/** Names one life of one process: 64 random bits, in digits that every file system keeps apart. */
export function newWriterId(): WriterId {
  return randomBytes(8).toString('hex') as WriterId;
}

/**
 * What one user watched of one channel in one minute, and how far that has come: `deliveredMs` only grows, and
 * no other mark passes it. Once its minute has ended, a cell no longer grows.
 */
export class UsageCell {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly minute: Minute;
  /** Counted. */
  deliveredMs = 0;
  /** Handed to the writer. */
  submittedMs = 0;
  /** Confirmed by the store. */
  storedMs = 0;
  /** Durable in `copy`; 0 without one. */
  spooledMs = 0;
  copy: SpooledFile | undefined = undefined;

  constructor(userId: UserId, channelId: ChannelId, minute: Minute) {
    this.userId = userId;
    this.channelId = channelId;
    this.minute = minute;
  }
}

/** A user on a channel, through all its sessions; it stays until its last cell can no longer grow. */
interface Account {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly bucket: Set<Account>;
  sessions: number;
  /** The cell that packets are counted in; replaced by the first packet of a new minute. */
  current: UsageCell | undefined;
  /** Cells of earlier minutes that the writer has not been handed in full. */
  ended: UsageCell[];
}

/** One session's hand on the meter. */
export class UsageTally {
  readonly #meter: UsageMeter;
  readonly #account: Account;

  constructor(meter: UsageMeter, account: Account) {
    this.#meter = meter;
    this.#account = account;
  }

  /** Counts packets that the kernel has taken for the user, in the current minute. Never after close(). */
  add(packets: number): void {
    this.#meter.count(this.#account, packets);
  }

  /** The session has ended: what it counted is due. */
  close(): void {
    this.#meter.release(this.#account);
  }
}

interface MeterParts {
  readonly clock: Clock;
  readonly packetDurationMs: number;
  readonly writerId: WriterId;
}

/**
 * Counts what users watch, in memory; the writer collects it. Users fall into buckets by a hash of their id, so that
 * the writer can go round them bit by bit.
 */
export class UsageMeter {
  static readonly BUCKETS = 256;

  readonly writerId: WriterId;
  readonly #clock: Clock;
  readonly #packetDurationMs: number;
  readonly #accounts = new Map<string, Account>();
  readonly #buckets = Array.from({ length: UsageMeter.BUCKETS }, () => new Set<Account>());
  readonly #left = new Set<Account>();

  constructor({ clock, packetDurationMs, writerId }: MeterParts) {
    this.#clock = clock;
    this.#packetDurationMs = packetDurationMs;
    this.writerId = writerId;
  }

  /** Begins a session. Sessions of one user on one channel share their cells. */
  open(userId: UserId, channelId: ChannelId): UsageTally {
    const key = keyOf(userId, channelId);
    let account = this.#accounts.get(key);
    if (account === undefined) {
      const bucket = this.#bucketOf(userId);
      account = { userId, channelId, bucket, sessions: 0, current: undefined, ended: [] };
      this.#accounts.set(key, account);
      bucket.add(account);
    }
    account.sessions += 1;
    return new UsageTally(this, account);
  }

  /** The minute that packets are counted in now. */
  get minute(): Minute {
    return minuteOf(this.#clock.epochMs());
  }

  count(account: Account, packets: number): void {
    const { minute } = this;
    let cell = account.current;
    if (cell?.minute !== minute) {
      if (cell) account.ended.push(cell);
      cell = new UsageCell(account.userId, account.channelId, minute);
      account.current = cell;
    }
    cell.deliveredMs += packets * this.#packetDurationMs;
  }

  release(account: Account): void {
    account.sessions -= 1;
    this.#left.add(account);
  }

  /** Hands on what sessions that have ended since the last call have counted. */
  submitLeft(submit: (cell: UsageCell) => void): void {
    for (const account of this.#left) this.#submit(account, true, submit);
    this.#left.clear();
  }

  /** Hands on what a bucket's users have counted; of the current minute only if `growing`. */
  submitBucket(index: number, growing: boolean, submit: (cell: UsageCell) => void): void {
    for (const account of this.#buckets[index] ?? []) this.#submit(account, growing, submit);
  }

  submitAll(submit: (cell: UsageCell) => void): void {
    for (const account of this.#accounts.values()) this.#submit(account, true, submit);
    this.#left.clear();
  }

  #submit(account: Account, growing: boolean, submit: (cell: UsageCell) => void): void {
    const { current, ended } = account;
    for (const cell of ended) submitGrowth(cell, submit);
    ended.length = 0;
    const hasEnded = current !== undefined && current.minute !== this.minute;
    if (current && (growing || hasEnded)) submitGrowth(current, submit);
    if (hasEnded) account.current = undefined;
    if (account.sessions === 0 && account.current === undefined) {
      this.#accounts.delete(keyOf(account.userId, account.channelId));
      account.bucket.delete(account);
    }
  }

  #bucketOf(userId: UserId): Set<Account> {
    const bucket = this.#buckets[hash(userId) % UsageMeter.BUCKETS];
    if (bucket === undefined) throw new RangeError('a hash is a whole number, not below 0');
    return bucket;
  }
}

function submitGrowth(cell: UsageCell, submit: (cell: UsageCell) => void): void {
  if (cell.deliveredMs > Math.max(cell.submittedMs, cell.storedMs)) submit(cell);
}

/** Neither id holds white space, so no two pairs share a key. */
function keyOf(userId: UserId, channelId: ChannelId): string {
  return `${userId} ${channelId}`;
}

/** FNV-1a over UTF-16 units, u32. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}
