import { readFileSync } from 'node:fs';
import { type Clip, PACKET_MS, PAYLOAD_BYTES } from '../media/clip.ts';
import type { DemoUser } from './demo-user.ts';

/** What the source sent of a channel. */
export interface Played {
  readonly clip: Clip;
  readonly payloads: number;
}

/** The whole seconds of watching that so many packets stand for. */
export function watchedSeconds(payloads: number): number {
  return Math.floor((payloads * PACKET_MS) / 1000);
}

/**
 * What is wrong with what a user got, in words; nothing where all is well.
 * @param played undefined for a channel that does not exist
 * @param usage as /usage gives it
 */
export function complaints(
  user: DemoUser,
  played: Played | undefined,
  usage: Readonly<Record<string, number>>,
): string[] {
  const { check, problem, options } = user;
  const found: string[] = [];
  if (problem !== undefined) found.push(problem);
  if (played === undefined && check.bytes > 0)
    found.push('got bytes of a channel that does not exist');
  if (played !== undefined && check.bytes === 0) found.push('received nothing');
  if (!check.isWhole) found.push('the last packet is cut');
  if (check.gaps > 0) found.push(`${check.gaps} gaps`);
  if (check.errors > 0) found.push(`${check.errors} TS errors`);
  if (played && !isEndOf(readFileSync(options.file), played)) {
    found.push('the bytes are not those that the source sent last');
  }
  const seconds = watchedSeconds(check.payloads);
  const expected = JSON.stringify(check.bytes > 0 ? { [options.channelId]: seconds } : {});
  if (JSON.stringify(usage) !== expected) {
    found.push(`/usage says ${JSON.stringify(usage)}, not ${expected}`);
  }
  return found;
}

/** Whether these are the last of the payloads that were played, in order, to the last byte. */
function isEndOf(bytes: Buffer, { clip, payloads }: Played): boolean {
  const first = payloads - bytes.length / PAYLOAD_BYTES;
  if (first < 0 || !Number.isInteger(first)) return false;
  for (let index = first; index < payloads; index++) {
    const at = (index - first) * PAYLOAD_BYTES;
    if (!bytes.subarray(at, at + PAYLOAD_BYTES).equals(clip.payload(index))) return false;
  }
  return true;
}
