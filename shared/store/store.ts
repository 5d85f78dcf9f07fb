import type { ChannelId, EdgeAddress, Hour, Minute, UserId, WriterId } from '../ids.ts';

/** One row of usage: how long one user watched one channel in one minute, as counted by one writer. */
export interface UsageRow {
  readonly userId: UserId;
  readonly minute: Minute;
  readonly channelId: ChannelId;
  readonly writerId: WriterId;
  /** Milliseconds watched in that minute so far: a total, which only grows for a given key, and never a difference. */
  readonly deliveredMs: number;
  /** The minute has ended and the row comes from its own live writer: no greater value will ever follow. */
  readonly final: boolean;
}

/** A row that the engine did not take, and why. `row` is the same object that was passed in. */
export interface RefusedRow {
  readonly row: UsageRow;
  readonly error: Error;
}

/** How long a user has watched one channel in one hour, in milliseconds, by all writers. */
export interface ChannelUsage {
  readonly hour: Hour;
  readonly channelId: ChannelId;
  /** Of the minute that the reading begins with: /usage may count it in part. */
  readonly firstMs: number;
  /** Of the hour's minutes after it. */
  readonly laterMs: number;
}

/**
 * What an engine does, without any policy: the 24-hour window, retries, caching and the spool are built on top of it. Every method rejects when the engine fails or takes too long; all are safe to repeat.
 */
export interface Store {
  /** No client's clock has a part in it, nor in `unregister`: the later call counts. */
  register(userId: UserId): Promise<void>;
  /**
   * Takes away the registration, and deletes what there is of the user's usage. What comes in later of minutes before
   * `minute`, out of a spool or from a writer that was cut off, is never told. A row of `minute`, the running one, counts
   * again once it grows: somebody watches. A `minute` in the future is taken for the running one.
   */
  unregister(userId: UserId, minute: Minute): Promise<void>;
  /**
   * Deletes usage once more, as `unregister` does, where the user was unregistered in the minute `since` or later. A
   * registration that is missing for any other reason (an old backup, a row that was deleted by hand) takes no usage
   * with it: then nothing changes.
   * @returns whether the user was
   */
  forgetUsage(userId: UserId, minute: Minute, since: Minute): Promise<boolean>;
  /** Sees every registration that was confirmed before the call. */
  isRegistered(userId: UserId): Promise<boolean>;
  /**
   * Each row stands for itself: resolves once every row is either durable or refused, with the refused ones. Rejects
   * when the engine failed as a whole: then any row may or may not be durable. The greater `deliveredMs` of a key
   * wins, whatever arrives last, so a row may always be saved again. Rows vanish USAGE_ROW_TTL_MS after their
   * minute, by the minute and not by the time of writing.
   */
  saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]>;
  /**
   * The sums of the user's rows from `from` on, one for each hour and channel that has a row, in no order. However many
   * rows there are, they are read page by page, and no page is asked for once `signal` is aborted.
   */
  readUsage(userId: UserId, from: Minute, signal?: AbortSignal): Promise<readonly ChannelUsage[]>;
  /**
   * Shows that an edge node takes users at `address`, and what it says of itself, for `lifeSeconds`: until then it is to
   * be announced again. The time is the engine's own, or as near to it as the engine allows; never the node's.
   */
  announce(address: EdgeAddress, text: string, lifeSeconds: number): Promise<void>;
  /** Takes an announcement back: no reading that begins later sees it. */
  withdraw(address: EdgeAddress): Promise<void>;
  /** The texts of all living announcements, in no order. */
  readAnnouncements(): Promise<readonly string[]>;
  /** Resolves when the engine answers. */
  ping(): Promise<void>;
  /** Waits for what is under way, then lets go of every handle. */
  close(): Promise<void>;
}
