import { type ChannelId, parseChannelId, parseUserId, type UserId } from '../../shared/ids.ts';

/** The only line a user sends on 9111: `<user-id> SP <channel-id> LF`, with CR LF taken too. */
export interface UserLine {
  readonly userId: UserId;
  readonly channelId: ChannelId;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the line without its LF; undefined where it is anything else. */
export function parseUserLine(line: Uint8Array): UserLine | undefined {
  let text: string;
  try {
    text = utf8.decode(line);
  } catch {
    return undefined;
  }
  const parts = text.replace(/\r$/, '').split(' ');
  const [user, channel] = parts;
  if (parts.length !== 2 || user === undefined || channel === undefined) return undefined;
  const userId = parseUserId(user);
  const channelId = parseChannelId(channel);
  return userId && channelId && { userId, channelId };
}
