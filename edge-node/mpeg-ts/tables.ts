import {
  BODY_START,
  bodyEnd,
  encodeSection,
  isCurrent,
  lastSectionNumberOf,
  sectionNumberOf,
  tableExtensionOf,
  tableIdOf,
} from './sections.ts';

/** Program specific information (ISO/IEC 13818-1, 2.4.4): which programs a stream has, and what each consists of. */

const PAT_TABLE_ID = 0x00;
const PMT_TABLE_ID = 0x02;
/** Programs of a stream that are looked at; any beyond them are ignored. */
export const PROGRAMS_MAX = 64;

export interface ProgramEntry {
  readonly program: number;
  readonly pmtPid: number;
}

/** One section of the program association table. */
export interface PatSection {
  readonly transportStreamId: number;
  readonly sectionNumber: number;
  readonly lastSectionNumber: number;
  readonly programs: readonly ProgramEntry[];
}

/**
 * 2.4.4.3: pairs of program_number (2 bytes) and, after three bits, the PID of its map (13 bits). Program 0 is the
 * network's own table.
 * @returns undefined where the section is no PAT that applies now
 */
export function readPat(section: Buffer, length: number): PatSection | undefined {
  if (tableIdOf(section) !== PAT_TABLE_ID || !isCurrent(section)) return undefined;
  const programs: ProgramEntry[] = [];
  const end = bodyEnd(length);
  for (let at = BODY_START; at + 4 <= end && programs.length < PROGRAMS_MAX; at += 4) {
    const program = section.readUInt16BE(at);
    if (program !== 0) programs.push({ program, pmtPid: section.readUInt16BE(at + 2) & 0x1fff });
  }
  return {
    transportStreamId: tableExtensionOf(section),
    sectionNumber: sectionNumberOf(section),
    lastSectionNumber: lastSectionNumberOf(section),
    programs,
  };
}

/** A program association table of one section. */
export function encodePat(
  transportStreamId: number,
  programs: readonly ProgramEntry[],
  version = 0,
): Buffer {
  const body = Buffer.alloc(4 * programs.length);
  programs.forEach(({ program, pmtPid }, index) => {
    body.writeUInt16BE(program, 4 * index);
    body.writeUInt16BE(0xe000 | pmtPid, 4 * index + 2);
  });
  return encodeSection({ tableId: PAT_TABLE_ID, extension: transportStreamId, body, version });
}

export interface ElementaryStream {
  /** stream_type, table 2-34. */
  readonly type: number;
  readonly pid: number;
  /** Descriptors, one after the other: each a tag, a length and that many bytes. */
  readonly descriptors: Uint8Array;
}

export interface Pmt {
  readonly program: number;
  readonly pcrPid: number;
  readonly streams: readonly ElementaryStream[];
}

/**
 * The program map table, 2.4.4.8: 3 bits, PCR_PID (13), 4 bits, length of the program's descriptors (12), those; then
 * for each stream: stream_type (8 bits), 3 bits, its PID (13), 4 bits, length of its descriptors (12), those.
 * @returns undefined where the section is no PMT that applies now
 */
export function readPmt(section: Buffer, length: number): Pmt | undefined {
  if (tableIdOf(section) !== PMT_TABLE_ID || !isCurrent(section)) return undefined;
  const end = bodyEnd(length);
  if (BODY_START + 4 > end) return undefined;
  const streams: ElementaryStream[] = [];
  let at = BODY_START + 4 + (section.readUInt16BE(BODY_START + 2) & 0x0fff);
  while (at + 5 <= end) {
    const from = at + 5;
    const to = Math.min(end, from + (section.readUInt16BE(at + 3) & 0x0fff));
    const pid = section.readUInt16BE(at + 1) & 0x1fff;
    const descriptors = Uint8Array.from(section.subarray(from, to));
    streams.push({ type: section.readUInt8(at), pid, descriptors });
    at = to;
  }
  const pcrPid = section.readUInt16BE(BODY_START) & 0x1fff;
  return { program: tableExtensionOf(section), pcrPid, streams };
}

/** A program map table without descriptors of the program. */
export function encodePmt({ program, pcrPid, streams }: Pmt, version = 0): Buffer {
  const pid = (value: number): number[] => [0xe0 | (value >> 8), value & 0xff];
  const listed = streams.flatMap(({ type, pid: streamPid, descriptors }) => [
    ...[type, ...pid(streamPid), 0xf0 | (descriptors.length >> 8), descriptors.length & 0xff],
    ...descriptors,
  ]);
  const body = Uint8Array.from([...pid(pcrPid), 0xf0, 0, ...listed]);
  return encodeSection({ tableId: PMT_TABLE_ID, extension: program, body, version });
}
