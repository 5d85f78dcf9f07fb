/** Identifiers that cross module borders. A brand says that the text was checked, and by which rule. */

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** 1 to 128 bytes of UTF-8 without white space, control characters and `/ ? # %`; neither `.` nor `..`. */
export type UserId = Branded<string, 'UserId'>;
/** Printable ASCII without spaces. On 9110 it has at most 6 bytes; a user may ask for a longer one, and waits. */
export type ChannelId = Branded<string, 'ChannelId'>;
/** One life of one edge-node process. Never used twice. */
export type WriterId = Branded<string, 'WriterId'>;
/** One connection of a user in one edge-node process, counted from 1. */
export type SessionId = Branded<number, 'SessionId'>;
/** By which users reach an edge node's 9111: host:port, with brackets around IPv6. */
export type EdgeAddress = Branded<string, 'EdgeAddress'>;
/** A session's place among all of a node of several processes. Never used twice. */
export type PlaceId = Branded<number, 'PlaceId'>;
/** Whole minutes since the Unix epoch. */
export type Minute = Branded<number, 'Minute'>;
/** Whole hours since the Unix epoch, so hours of UTC. */
export type Hour = Branded<number, 'Hour'>;

export const USER_ID_MAX_BYTES = 128;

// API Gateway decodes the path before a function sees it: an id must hold nothing that changes the path's meaning then.
const USER_ID_FORBIDDEN = /[\s\p{Cc}\p{Cs}/?#%]/u;
const CHANNEL_ID = /^[\x21-\x7e]+$/;

export function parseUserId(text: string): UserId | undefined {
  if (text.length === 0 || text.length > USER_ID_MAX_BYTES) return undefined;
  if (Buffer.byteLength(text) > USER_ID_MAX_BYTES) return undefined;
  // As a segment of a path they mean this and the parent folder: /usage could never be asked for them.
  if (text === '.' || text === '..') return undefined;
  return USER_ID_FORBIDDEN.test(text) ? undefined : (text as UserId);
}

export function parseChannelId(text: string): ChannelId | undefined {
  return CHANNEL_ID.test(text) ? (text as ChannelId) : undefined;
}

/** The minute that holds `epochMs`. */
export function minuteOf(epochMs: number): Minute {
  return Math.floor(epochMs / 60_000) as Minute;
}

export function hourOf(minute: Minute): Hour {
  return Math.floor(minute / 60) as Hour;
}
