import { InvalidArgumentError } from 'commander';
import type { Address } from '../../shared/config/addresses.ts';
import { type ChannelId, parseChannelId, parseUserId, type UserId } from '../../shared/ids.ts';

/** Readers of arguments: whatever is not as it must be is wrong usage, told in one line. */

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export function userArgument(text: string): UserId {
  const id = parseUserId(text);
  if (id !== undefined) return id;
  throw new InvalidArgumentError(
    'A user id has 1 to 128 bytes without white space, control characters or / ? # %.',
  );
}

export function channelArgument(text: string): ChannelId {
  const id = parseChannelId(text);
  if (id !== undefined) return id;
  throw new InvalidArgumentError('A channel id is printable ASCII without spaces.');
}

export function channelsArgument(text: string): ChannelId[] {
  return text.split(',').map((id) => channelArgument(id.trim()));
}

/** `90s`, `15m`, `24h` or `7d`, in milliseconds. */
export function durationArgument(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError(
    'A duration is a number with its unit, such as 90s, 15m, 24h or 7d.',
  );
}

/** `host:port`, IPv6 in brackets. */
export function addressArgument(text: string): Address {
  const url = URL.parse(`tcp://${text}`);
  if (url === null || url.hostname === '' || url.port === '' || url.pathname !== '') {
    throw new InvalidArgumentError('An address is host:port, such as edge.example:9111.');
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) };
}

/** A URL of http or https, or `host:port` of http; without the slash at its end. */
export function originArgument(text: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new InvalidArgumentError('An origin is a URL such as http://127.0.0.1:8080.');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
