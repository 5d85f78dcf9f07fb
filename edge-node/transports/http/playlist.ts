import type { ChannelId } from '../../../shared/ids.ts';

/** A channel as a playlist shows it. */
export interface ListedChannel {
  readonly id: ChannelId;
  readonly name: string;
  readonly group: string;
  readonly logo: string;
}

/** Whom the playlist is for, and where its streams are. */
export interface PlaylistOptions {
  /** Such as http://edge.example:9113, without a slash at the end. */
  readonly base: string;
  readonly user: string;
  readonly token: string | undefined;
}

/**
 * An M3U list with the attributes that players of live channels read: one entry a channel, numbered from 1, each with
 * the caller's user and token in its URL.
 */
export function playlist(
  channels: readonly ListedChannel[],
  { base, user, token }: PlaylistOptions,
): string {
  const query = new URLSearchParams({ user, ...(token !== undefined && { token }) });
  const entries = channels.flatMap(({ id, name, group, logo }, index) => [
    `#EXTINF:-1 ${attributes({
      'tvg-id': id,
      'tvg-chno': String(index + 1),
      'tvg-name': name,
      'tvg-logo': logo,
      'group-title': group,
    })},${plain(name)}`,
    `${base}/watch/${encodeURIComponent(id)}.ts?${query}`,
  ]);
  return `${['#EXTM3U', ...entries].join('\n')}\n`;
}

/** The attributes that have a value. M3U cannot write a double quote inside one: it becomes a single quote. */
function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${plain(value).replaceAll('"', "'")}"`)
    .join(' ');
}

/** Without line breaks and other control characters: one of them would end the entry's line. */
function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
