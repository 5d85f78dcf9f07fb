import type { ElementaryStream } from '../tables.ts';

/**
 * What an elementary stream is, by its stream_type (ISO/IEC 13818-1, table 2-34, and what ATSC, SCTE and others
 * registered) and its descriptors. `otherVideo` is video whose pictures are not read here; `unknown` may be anything.
 */
export type StreamKind =
  | 'h264'
  | 'hevc'
  | 'mpegVideo'
  | 'otherVideo'
  | 'sound'
  | 'data'
  | 'unknown';

const kinds = (kind: StreamKind, ...types: number[]): [number, StreamKind][] =>
  types.map((type) => [type, kind]);

const BY_TYPE: ReadonlyMap<number, StreamKind> = new Map([
  ...kinds('mpegVideo', 0x01, 0x02),
  // 0xdb is AVC with its samples encrypted (HLS): the headers of its slices are clear.
  ...kinds('h264', 0x1b, 0xdb),
  ...kinds('hevc', 0x24),
  // MPEG-4 visual, JPEG 2000, VVC, EVC, AVS, AVS2, AVS3, Dirac, VC-1.
  ...kinds('otherVideo', 0x10, 0x21, 0x33, 0x35, 0x42, 0xd2, 0xd4, 0xd1, 0xea),
  // MPEG audio, AAC in its forms, MPEG-H, AC-3, DTS, TrueHD, AC-3 and AAC encrypted.
  ...kinds('sound', 0x03, 0x04, 0x0f, 0x11, 0x1c, 0x2d, 0x2e, 0x81, 0x82, 0x83, 0x84, 0x85),
  ...kinds('sound', 0x87, 0x8a, 0xa1, 0xc1, 0xc2, 0xcf),
  // Sections, DSM-CC, text, metadata, splices, subtitles; layers upon another stream's pictures: SVC, MVC, HEVC's and VVC's.
  ...kinds('data', 0x05, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19),
  ...kinds('data', 0x1f, 0x20, 0x22, 0x23, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x31),
  ...kinds('data', 0x1d, 0x32, 0x34, 0x86, 0x90, 0x91, 0x92),
]);

/** format_identifier of a registration descriptor (2.6.8). */
const BY_REGISTRATION: ReadonlyMap<string, StreamKind> = new Map<string, StreamKind>([
  ['H264', 'h264'],
  ['HEVC', 'hevc'],
  ['AV01', 'otherVideo'],
  ['AVSV', 'otherVideo'],
  ['VC-1', 'otherVideo'],
  ['VVC ', 'otherVideo'],
  ['drac', 'otherVideo'],
  ['AC-3', 'sound'],
  ['AC-4', 'sound'],
  ['BSSD', 'sound'],
  ['DTS1', 'sound'],
  ['DTS2', 'sound'],
  ['DTS3', 'sound'],
  ['EAC3', 'sound'],
  ['Opus', 'sound'],
  ['CUEI', 'data'],
  ['ID3 ', 'data'],
  ['KLVA', 'data'],
]);

/** Tags of EN 300 468: AC-3, enhanced AC-3, DTS, AAC, and the extension tag's AC-4; VBI, teletext, subtitles. */
const BY_TAG: ReadonlyMap<number, StreamKind> = new Map([
  ...kinds('sound', 0x6a, 0x7a, 0x7b, 0x7c, 0x7f),
  ...kinds('data', 0x45, 0x46, 0x56, 0x59),
]);

const REGISTRATION = 0x05;
const PRIVATE_PES = 0x06;

export function kindOf({ type, descriptors }: ElementaryStream): StreamKind {
  const byType = BY_TYPE.get(type);
  if (byType !== undefined) return byType;
  return kindByDescriptors(descriptors, type === PRIVATE_PES) ?? 'unknown';
}

function kindByDescriptors(descriptors: Uint8Array, isDvb: boolean): StreamKind | undefined {
  let kind: StreamKind | undefined;
  for (let at = 0; at + 2 <= descriptors.length; at += 2 + (descriptors[at + 1] ?? 0)) {
    const tag = descriptors[at] ?? 0;
    if (tag === REGISTRATION && at + 6 <= descriptors.length) {
      const identifier = String.fromCharCode(...descriptors.subarray(at + 2, at + 6));
      kind ??= BY_REGISTRATION.get(identifier);
    } else if (isDvb) {
      kind ??= BY_TAG.get(tag);
    }
  }
  return kind;
}

export const isVideo = (kind: StreamKind): boolean =>
  kind === 'h264' || kind === 'hevc' || kind === 'mpegVideo' || kind === 'otherVideo';
