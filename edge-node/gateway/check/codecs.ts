import type { Pmt } from '../../mpeg-ts/tables.ts';

/** Stream types (ISO/IEC 13818-1, table 2-34, and those in use beside it) by the names that people know. */
const CODECS: Readonly<Record<number, string>> = {
  1: 'MPEG-1 video',
  2: 'MPEG-2 video',
  3: 'MPEG-1 audio',
  4: 'MPEG-2 audio',
  5: 'private sections',
  6: 'private',
  11: 'DSM-CC',
  15: 'AAC',
  16: 'MPEG-4 video',
  17: 'AAC (LATM)',
  27: 'H.264',
  36: 'HEVC',
  51: 'VVC',
  129: 'AC-3',
  135: 'E-AC-3',
};

/** What a program consists of, in a word or a few: each kind once. */
export function codecsOf({ streams }: Pmt): string {
  const names = streams.map(({ type }) => CODECS[type] ?? `type 0x${type.toString(16)}`);
  return [...new Set(names)].join(', ') || 'nothing';
}
