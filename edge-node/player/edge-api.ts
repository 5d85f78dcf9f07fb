import { refusalIn } from '../browser/refusal.ts';
import { headersOf, type Viewer } from './viewer.ts';

/** A channel as `GET /channels` lists it. */
export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  /** Whether it is there now. */
  readonly live: boolean;
}

/** @throws RefusedError, or what fetch throws where nobody answers */
export async function listChannels(viewer: Viewer, signal: AbortSignal): Promise<Channel[]> {
  const query = new URLSearchParams({ user: viewer.user });
  const answer = await fetch(`channels?${query}`, { headers: headersOf(viewer), signal });
  if (!answer.ok) throw await refusalIn(answer);
  const { channels }: { channels: Channel[] } = await answer.json();
  return channels;
}

/** @throws RefusedError, or what fetch throws where nobody answers */
export async function openStream(
  viewer: Viewer,
  channel: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const query = new URLSearchParams({ user: viewer.user });
  const path = `watch/${encodeURIComponent(channel)}.ts?${query}`;
  const answer = await fetch(path, { headers: headersOf(viewer), signal, cache: 'no-store' });
  if (!answer.ok || answer.body === null) throw await refusalIn(answer);
  return answer.body;
}

/** Whether this page may register users. It may not where nobody says. */
export async function mayRegister(): Promise<boolean> {
  const answer = await fetch('player.json', { cache: 'no-store' }).catch(() => undefined);
  const told: { registration?: unknown } = answer?.ok ? await answer.json() : {};
  return told.registration === 'open';
}

/** @throws RefusedError, or what fetch throws where nobody answers */
export async function register(user: string): Promise<void> {
  const answer = await fetch('register', { method: 'POST', body: user });
  if (!answer.ok) throw await refusalIn(answer);
}
