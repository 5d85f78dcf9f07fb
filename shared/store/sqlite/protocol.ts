import type { EdgeAddress, Minute, UserId } from '../../ids.ts';
import type { ChannelUsage, UsageRow } from '../store.ts';

/** The messages between the store and the threads that hold its connections. */

/** A key of one user's rows: where a page of a reading begins or has ended. */
export type PageEnd = readonly [minute: Minute, channelId: string, writerId: string];

/** What a thread can be asked, and what it answers. */
export interface SqliteCalls {
  readonly open: { readonly ask: object; readonly answer: undefined };
  readonly register: { readonly ask: { readonly userId: UserId }; readonly answer: undefined };
  readonly unregister: {
    readonly ask: { readonly userId: UserId; readonly minute: Minute };
    readonly answer: undefined;
  };
  readonly forgetUsage: {
    readonly ask: { readonly userId: UserId; readonly minute: Minute; readonly since: Minute };
    readonly answer: boolean;
  };
  readonly isRegistered: { readonly ask: { readonly userId: UserId }; readonly answer: boolean };
  /** Answers the positions of the rows that were refused, with the reasons. */
  readonly saveUsage: {
    readonly ask: { readonly rows: readonly UsageRow[] };
    readonly answer: readonly (readonly [position: number, reason: string])[];
  };
  /** The page of rows behind the key `after`. `end` is the last key of the page; undefined where no more follow. */
  readonly readUsage: {
    readonly ask: {
      readonly userId: UserId;
      readonly from: Minute;
      readonly after: PageEnd;
    };
    readonly answer: { readonly sums: readonly ChannelUsage[]; readonly end: PageEnd | undefined };
  };
  /** Deletes some rows of before `firstLiving`, and answers how many. */
  readonly sweep: { readonly ask: { readonly firstLiving: Minute }; readonly answer: number };
  readonly announce: {
    readonly ask: {
      readonly address: EdgeAddress;
      readonly text: string;
      readonly lifeSeconds: number;
    };
    readonly answer: undefined;
  };
  readonly withdraw: {
    readonly ask: { readonly address: EdgeAddress };
    readonly answer: undefined;
  };
  readonly readAnnouncements: { readonly ask: object; readonly answer: readonly string[] };
  readonly ping: { readonly ask: object; readonly answer: undefined };
  readonly close: { readonly ask: object; readonly answer: undefined };
}

export type SqliteOp = keyof SqliteCalls;
export type SqliteRequest = {
  [Op in SqliteOp]: { readonly op: Op } & SqliteCalls[Op]['ask'];
}[SqliteOp];
export type SqliteAnswer<Op extends SqliteOp> = SqliteCalls[Op]['answer'];

/** A request whose deadline has passed when its turn comes is not begun: nobody waits for its answer any more. */
export interface SqliteMessage {
  readonly id: number;
  /** Monotonic. */
  readonly deadlineMs: number;
  readonly request: SqliteRequest;
}

export type SqliteReply =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number;
      readonly error: string;
      readonly code: SqliteCode | undefined;
      /** The connection is of no use any more. */
      readonly isLost: boolean;
    };

/** SQLite's own primary result code, or SCHEMA_VERSION or REPLACED, which are our own. */
export type SqliteCode = number | string;

export interface SqliteWorkerData {
  readonly path: string;
}

export const SQLITE = {
  PERM: 3,
  BUSY: 5,
  READONLY: 8,
  CORRUPT: 11,
  CONSTRAINT: 19,
  MISMATCH: 20,
  AUTH: 23,
  NOTADB: 26,
} as const;
