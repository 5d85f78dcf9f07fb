import { type ChannelId, parseChannelId, parseUserId, type UserId } from '../../shared/ids.ts';

/**
 * The only line a user sends on 9111: `<user-id> SP <channel-id> LF`, with CR LF taken too; where tokens are asked for,
 * `<user-id> SP <channel-id> SP <token> LF`.
 */
export interface UserLine {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly token: string | undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the line without its LF; undefined where it is anything else. A token is a word too many where none is taken. */
export function parseUserLine(line: Uint8Array, takesToken: boolean): UserLine | undefined {
  let text: string;
  try {
    text = utf8.decode(line);
  } catch {
    return undefined;
  }
  const parts = text.replace(/\r$/, '').split(' ');
  const [user, channel, token] = parts;
  if (user === undefined || channel === undefined) return undefined;
  if (parts.length > (takesToken ? 3 : 2) || token === '') return undefined;
  const userId = parseUserId(user);
  const channelId = parseChannelId(channel);
  return userId && channelId && { userId, channelId, token };
}
