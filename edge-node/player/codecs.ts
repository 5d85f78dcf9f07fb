import type { ListedStream } from './transport-check.ts';

interface Codec {
  readonly name: string;
  readonly kind: 'picture' | 'sound';
  /** What a browser is asked for; without it, no browser plays it as this page does. */
  readonly mime?: string;
}

const AAC: Codec = { name: 'AAC', kind: 'sound', mime: 'audio/mp4; codecs="mp4a.40.2"' };
const MPEG_AUDIO: Codec = { name: 'MPEG audio', kind: 'sound', mime: 'audio/mpeg' };
const AC3: Codec = { name: 'AC-3', kind: 'sound', mime: 'audio/mp4; codecs="ac-3"' };
const E_AC3: Codec = { name: 'E-AC-3', kind: 'sound', mime: 'audio/mp4; codecs="ec-3"' };

/** By stream_type, ISO/IEC 13818-1 table 2-34, and those in use beside it. */
const BY_TYPE: ReadonlyMap<number, Codec> = new Map([
  [0x01, { name: 'MPEG-1', kind: 'picture' }],
  [0x02, { name: 'MPEG-2', kind: 'picture' }],
  [0x03, MPEG_AUDIO],
  [0x04, MPEG_AUDIO],
  [0x0f, AAC],
  [0x10, { name: 'MPEG-4 Visual', kind: 'picture' }],
  [0x11, AAC],
  [0x1b, { name: 'H.264', kind: 'picture', mime: 'video/mp4; codecs="avc1.4d401f"' }],
  [0x24, { name: 'HEVC', kind: 'picture', mime: 'video/mp4; codecs="hvc1.1.6.L93.B0"' }],
  [0x33, { name: 'VVC', kind: 'picture' }],
  [0x81, AC3],
  [0x87, E_AC3],
]);

/** Private streams (type 6) are told by a descriptor, ETSI EN 300 468. */
const PRIVATE_TYPE = 0x06;
const BY_TAG: ReadonlyMap<number, Codec> = new Map([
  [0x6a, AC3],
  [0x7a, E_AC3],
]);

function codecOf({ type, tags }: ListedStream): Codec | undefined {
  if (type !== PRIVATE_TYPE) return BY_TYPE.get(type);
  return tags.map((tag) => BY_TAG.get(tag)).find((codec) => codec !== undefined);
}

/**
 * What this browser cannot play of a channel, as a sentence; empty where it can play a stream of each kind.
 *
 * @param isSupported of the browser, such as MediaSource.isTypeSupported
 */
export function lackingCodecs(
  streams: readonly ListedStream[],
  isSupported: (mime: string) => boolean,
): string {
  const codecs = streams.map(codecOf).filter((codec) => codec !== undefined);
  const lacking = (['picture', 'sound'] as const).flatMap((kind) => {
    const ofKind = codecs.filter((codec) => codec.kind === kind);
    const plays = ofKind.some(({ mime }) => mime !== undefined && isSupported(mime));
    const names = [...new Set(ofKind.map(({ name }) => name))].join(' or ');
    return plays || names === '' ? [] : [`${names} for its ${kind}`];
  });
  if (lacking.length === 0) return '';
  return `This browser cannot play this channel: it lacks ${lacking.join(', and ')}.`;
}
