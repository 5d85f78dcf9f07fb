import { randomBytes } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import type { ChannelId, Minute, UserId, WriterId } from '../../shared/ids.ts';
import { minuteOf } from '../../shared/ids.ts';
import { CLOCK_STEP_MS, MINUTE_MS } from '../../shared/limits.ts';
import { firstMinuteOf } from '../../shared/usage-window.ts';
import type { ClockStep } from './clock-step.ts';
import { UsageCell } from './usage-cell.ts';

/** A name that no other writer has: 64 random bits, in characters that are good for a file's name anywhere. */
export function newWriterId(): WriterId {
  return randomBytes(8).toString('hex') as WriterId;
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

/** What one session counts by. */
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
  /** Called for the first writer id, and for another at each step of the clock. */
  readonly newWriterId?: () => WriterId;
}

const BUCKET_BITS = 10;
const LOOK_MS = 100;
/** A clock that has gone so long without a step was right, most likely: one that is wrong at a start is put right by then. */
const CLOCK_PROVEN_MS = MINUTE_MS;

/**
 * Counts what users watch, in memory; the writer collects it. Users are shared out evenly among buckets, so that the
 * writer can go round them bit by bit.
 *
 * A writer id belongs to one process between two steps of its clock. After a step minutes may come a second time, and a
 * new id keeps their rows apart. At a step, cells of which the writer has been handed nothing get the right date. The
 * others may be stored already and keep their date, so that nothing is billed twice; unless it lies so far back that
 * /usage tells it no more: then they get the new one, too, but for what the store has of them by a clock that had gone
 * well for CLOCK_PROVEN_MS.
 */
export class UsageMeter {
  static readonly BUCKETS = 2 ** BUCKET_BITS;

  readonly #clock: Clock;
  readonly #packetDurationMs: number;
  readonly #newWriterId: () => WriterId;
  readonly #accounts = new Map<string, Account>();
  readonly #buckets = Array.from({ length: UsageMeter.BUCKETS }, () => new Set<Account>());
  readonly #left = new Set<Account>();
  /** From monotonic time to the clock's, at the last look. */
  #offsetMs: number;
  #minute: Minute;
  #nextLookMs = 0;
  /** Since when the clock has gone without a step, monotonic milliseconds. */
  #steadySinceMs: number;
  /** The last that an account was given. */
  #bucket = 0;
  #writerId: WriterId;
  #step: ClockStep | undefined;

  constructor({ clock, packetDurationMs, newWriterId: newId = newWriterId }: MeterParts) {
    this.#clock = clock;
    this.#packetDurationMs = packetDurationMs;
    this.#newWriterId = newId;
    this.#steadySinceMs = clock.monotonicMs();
    this.#offsetMs = clock.epochMs() - this.#steadySinceMs;
    this.#minute = minuteOf(clock.epochMs());
    this.#writerId = newId();
  }

  /** Who counts now. */
  get writerId(): WriterId {
    return this.#writerId;
  }

  /** Begins a session. Sessions of one user on one channel share their cells. */
  open(userId: UserId, channelId: ChannelId): UsageTally {
    const key = keyOf(userId, channelId);
    let account = this.#accounts.get(key);
    if (account === undefined) {
      const bucket = this.#nextBucket();
      account = { userId, channelId, bucket, sessions: 0, current: undefined, ended: [] };
      this.#accounts.set(key, account);
      bucket.add(account);
    }
    account.sessions += 1;
    return new UsageTally(this, account);
  }

  /** The minute that packets are counted in now. */
  get minute(): Minute {
    if (this.#clock.monotonicMs() >= this.#nextLookMs) this.#followClock();
    return this.#minute;
  }

  /** Whether the cell can still grow. */
  isGrowing(cell: UsageCell): boolean {
    // The minute first: the look at the clock for it may date the cell anew.
    const { minute } = this;
    return cell.minute === minute && cell.writerId === this.#writerId;
  }

  /** The first minute that /usage still tells, by the last look at the clock. */
  get first(): Minute {
    return firstMinuteOf(this.#minute * MINUTE_MS);
  }

  /** Takes the step that the clock has made since the last call. */
  takeStep(): ClockStep | undefined {
    this.#followClock();
    const step = this.#step;
    this.#step = undefined;
    return step;
  }

  count(account: Account, packets: number): void {
    const { minute } = this;
    let cell = account.current;
    if (cell?.minute !== minute || cell.writerId !== this.#writerId) {
      if (cell) account.ended.push(cell);
      cell = new UsageCell(account.userId, account.channelId, minute, this.#writerId);
      account.current = cell;
    }
    cell.deliveredMs += packets * this.#packetDurationMs;
  }

  release(account: Account): void {
    account.sessions -= 1;
    this.#left.add(account);
  }

  /** Forgets what the user has counted in sessions that have ended: the next one begins at nothing, in this minute too. */
  forget(userId: UserId): void {
    for (const account of this.#accounts.values()) {
      if (account.userId !== userId || account.sessions > 0) continue;
      account.current = undefined;
      account.ended = [];
      this.#left.add(account);
    }
  }

  /** Hands on what sessions that have ended since the last call have counted. */
  submitLeft(submit: (cell: UsageCell) => void): void {
    for (const account of this.#left) this.#submit(account, true, submit);
    this.#left.clear();
  }

  /** Hands on what the users of a turn have counted; of the current minute only if `growing`. */
  submitBucket(turn: number, growing: boolean, submit: (cell: UsageCell) => void): void {
    for (const account of this.#buckets[reversed(turn)] ?? [])
      this.#submit(account, growing, submit);
  }

  submitAll(submit: (cell: UsageCell) => void): void {
    for (const account of this.#accounts.values()) this.#submit(account, true, submit);
    this.#left.clear();
  }

  #submit(account: Account, growing: boolean, submit: (cell: UsageCell) => void): void {
    const { current, ended } = account;
    for (const cell of ended) submitGrowth(cell, submit);
    ended.length = 0;
    const hasEnded = current !== undefined && !this.isGrowing(current);
    if (current && (growing || hasEnded)) submitGrowth(current, submit);
    if (hasEnded) account.current = undefined;
    if (account.sessions === 0 && account.current === undefined) {
      this.#accounts.delete(keyOf(account.userId, account.channelId));
      account.bucket.delete(account);
    }
  }

  /** Looks at the clock. That is done at the beginning of each minute and every LOOK_MS, not for each packet. */
  #followClock(): void {
    const epochMs = this.#clock.epochMs();
    const nowMs = this.#clock.monotonicMs();
    const steppedMs = epochMs - nowMs - this.#offsetMs;
    this.#offsetMs += steppedMs;
    const hasStepped = Math.abs(steppedMs) >= CLOCK_STEP_MS || minuteOf(epochMs) < this.#minute;
    this.#minute = minuteOf(epochMs);
    this.#nextLookMs = nowMs + Math.min(LOOK_MS, MINUTE_MS - (epochMs % MINUTE_MS));
    if (hasStepped) this.#followStep(epochMs, epochMs - steppedMs);
  }

  #followStep(epochMs: number, expectedMs: number): void {
    const minutes = minuteOf(epochMs) - minuteOf(expectedMs);
    const first = firstMinuteOf(epochMs);
    const nowMs = this.#clock.monotonicMs();
    const keepsStored = nowMs - this.#steadySinceMs >= CLOCK_PROVEN_MS;
    this.#steadySinceMs = nowMs;
    const ms = epochMs - expectedMs;
    const step: ClockStep = { ms, minutes, first, heirOf: this.#succeed(), keepsStored };
    this.#step = step;
    for (const { current, ended } of this.#accounts.values()) {
      for (const cell of current ? [...ended, current] : ended) {
        if (cell.submittedMs === 0 || cell.minute < first) cell.redate(step);
      }
    }
  }

  /** Takes another writer id, the heir of the last one; those of earlier steps get an heir each when asked for. */
  #succeed(): ClockStep['heirOf'] {
    const heirs = new Map<WriterId, WriterId>();
    const heirOf = (writerId: WriterId): WriterId => {
      const heir = heirs.get(writerId) ?? this.#newWriterId();
      heirs.set(writerId, heir);
      return heir;
    };
    this.#writerId = heirOf(this.#writerId);
    return heirOf;
  }

  /** The next bucket that is no fuller than all are on the whole, which one of them always is. */
  #nextBucket(): Set<Account> {
    const even = Math.floor(this.#accounts.size / UsageMeter.BUCKETS);
    for (;;) {
      this.#bucket = (this.#bucket + 1) % UsageMeter.BUCKETS;
      const bucket = this.#buckets[this.#bucket];
      if (bucket !== undefined && bucket.size <= even) return bucket;
    }
  }
}

/** The ten bits of a bucket's number in reverse: neighbours in one order are far apart in the other. */
function reversed(bucket: number): number {
  let value = 0;
  for (let bit = 0; bit < BUCKET_BITS; bit += 1) value = (value << 1) | ((bucket >> bit) & 1);
  return value;
}

function submitGrowth(cell: UsageCell, submit: (cell: UsageCell) => void): void {
  if (cell.deliveredMs > Math.max(cell.submittedMs, cell.storedMs)) submit(cell);
}

/** Neither id holds white space, so no two pairs share a key. */
function keyOf(userId: UserId, channelId: ChannelId): string {
  return `${userId} ${channelId}`;
}
