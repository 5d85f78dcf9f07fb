import { type ChannelId, parseChannelId } from '../../shared/ids.ts';
import { DIRECTORY_CHANNELS } from '../../shared/limits.ts';

/** What a relay tells of a channel: what comes of it in a second. */
export interface ChannelRate {
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** A part of what one relay has. It says nothing of channels that it does not name. */
export interface DirectoryMessage {
  /** Names one life of a relay. */
  readonly relay: string;
  readonly channels: ReadonlyMap<ChannelId, ChannelRate>;
}

/** All of a relay's channels, in messages of so many that each fits into one of NATS; one at least. */
export function encodeDirectory(
  relay: string,
  channels: Iterable<readonly [ChannelId, ChannelRate]>,
): Buffer[] {
  const rows = Array.from(channels, ([id, { packetsPerSecond, bytesPerSecond }]) => [
    id,
    Math.round(packetsPerSecond),
    Math.round(bytesPerSecond),
  ]);
  const messages: Buffer[] = [];
  for (let at = 0; at === 0 || at < rows.length; at += DIRECTORY_CHANNELS) {
    const part = { relay, channels: rows.slice(at, at + DIRECTORY_CHANNELS) };
    messages.push(Buffer.from(JSON.stringify(part)));
  }
  return messages;
}

/** @returns undefined where that is no such message */
export function decodeDirectory(bytes: Uint8Array): DirectoryMessage | undefined {
  const message = parsed(bytes);
  if (typeof message !== 'object' || message === null) return undefined;
  const { relay, channels } = message as { relay?: unknown; channels?: unknown };
  if (typeof relay !== 'string' || !Array.isArray(channels)) return undefined;
  const rates = new Map<ChannelId, ChannelRate>();
  for (const row of channels) {
    if (!Array.isArray(row)) return undefined;
    const [text, packetsPerSecond, bytesPerSecond] = row as unknown[];
    const id = typeof text === 'string' ? parseChannelId(text) : undefined;
    if (id === undefined || !isRate(packetsPerSecond) || !isRate(bytesPerSecond)) return undefined;
    rates.set(id, { packetsPerSecond, bytesPerSecond });
  }
  return { relay, channels: rates };
}

function isRate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
