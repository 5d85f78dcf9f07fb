import type { ChannelId, EdgeAddress } from '../ids.ts';

/** What an edge node that takes users says of itself in the store, for whoever is to choose among them. */
export interface Announcement {
  /** Where 9111 is reached. */
  readonly address: EdgeAddress;
  /** What 9113 is reached by. */
  readonly watchUrl: string;
  /** 0 for an idle node, 1 for one that takes nobody more. */
  readonly load: number;
  readonly users: number;
  /** Those that it has now: whoever asks for one of them waits for nothing. */
  readonly channels: readonly ChannelId[];
}

export function announcementText(announcement: Announcement): string {
  return JSON.stringify(announcement);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/**
 * What a node has announced, which may be of another version than this program: what it says beyond this is left out.
 * @returns undefined where it lacks something
 */
export function parseAnnouncement(text: string): Announcement | undefined {
  let said: Partial<Readonly<Record<keyof Announcement, unknown>>> | null;
  try {
    said = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { address, watchUrl, load, users, channels } = said ?? {};
  if (typeof address !== 'string' || typeof watchUrl !== 'string') return undefined;
  if (typeof load !== 'number' || typeof users !== 'number' || !isStrings(channels)) {
    return undefined;
  }
  return {
    address: address as EdgeAddress,
    watchUrl,
    load,
    users,
    channels: channels as readonly ChannelId[],
  };
}
