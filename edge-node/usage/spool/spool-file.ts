import { crc32 } from 'node:zlib';
import { DamagedSpoolFileError, UnknownSpoolVersionError } from '../../../shared/errors.ts';
import type { Minute, WriterId } from '../../../shared/ids.ts';
import { parseChannelId, parseUserId } from '../../../shared/ids.ts';
import type { UsageRow } from '../../../shared/store/store.ts';

/**
 * A spool file, UTF-8 lines that an operator can read:
 *
 *     usage-spool 1 <writer id>
 *     ["<user id>",<minute>,"<channel id>",<delivered ms>]      one line a row
 *     end <number of rows> <CRC-32 of all bytes before this line, 8 hex digits>
 *
 * The last line tells a whole file from a torn or altered one.
 */
const VERSION = /^usage-spool (\d{1,9})[ \n]/;
const KNOWN_VERSION = '1';
const HEADER = /^usage-spool 1 ([0-9a-z]{1,64})$/;
const END = /^end (\d{1,15}) ([0-9a-f]{8})\n$/;
const HEADER_MAX_BYTES = 96;
const END_MAX_BYTES = 32;

/** Builds one file, piece by piece, so that a long one need not hold up the event loop. */
export class SpoolFileEncoder {
  readonly #pieces: Buffer[] = [];
  #rows = 0;
  #crc = 0;

  constructor(writerId: WriterId) {
    this.#push(`usage-spool 1 ${writerId}\n`);
  }

  add(rows: readonly Pick<UsageRow, 'userId' | 'minute' | 'channelId' | 'deliveredMs'>[]): void {
    this.#rows += rows.length;
    const lines = rows.map((row) =>
      JSON.stringify([row.userId, row.minute, row.channelId, row.deliveredMs]),
    );
    if (lines.length > 0) this.#push(`${lines.join('\n')}\n`);
  }

  finish(): Buffer {
    const crc = this.#crc.toString(16).padStart(8, '0');
    return Buffer.concat([...this.#pieces, Buffer.from(`end ${this.#rows} ${crc}\n`)]);
  }

  #push(text: string): void {
    const piece = Buffer.from(text);
    this.#crc = crc32(piece, this.#crc);
    this.#pieces.push(piece);
  }
}

/**
 * The rows of a file, one by one, after the whole was checked. None is `final`: whoever reads a file cannot know what
 * its writer counted since.
 * @throws DamagedSpoolFileError
 * @throws UnknownSpoolVersionError where the file says that it is of another version, whatever else it holds
 */
export function* decodeSpoolFile(bytes: Buffer): Generator<UsageRow> {
  const version = VERSION.exec(bytes.toString('latin1', 0, HEADER_MAX_BYTES))?.[1];
  if (version !== undefined && version !== KNOWN_VERSION) {
    throw new UnknownSpoolVersionError(`spool file of version ${version}: this program reads 1`);
  }
  const [header, ...lines] = checkedLines(bytes);
  const writerId = HEADER.exec(header ?? '')?.[1] as WriterId | undefined;
  if (writerId === undefined) throw new DamagedSpoolFileError('no header of a known version');
  for (const line of lines) yield { ...parseRow(line), writerId, final: false };
}

/** The lines before the last one, which says their number and checksum. */
function checkedLines(bytes: Buffer): string[] {
  const tail = Math.max(0, bytes.length - END_MAX_BYTES);
  const endAt = tail + bytes.subarray(tail).lastIndexOf('\nend ') + 1;
  const [, rows, crc] = END.exec(bytes.toString('utf8', endAt)) ?? [];
  if (rows === undefined || crc === undefined) throw new DamagedSpoolFileError('no end line');
  const body = bytes.subarray(0, endAt);
  if (crc32(body) !== Number.parseInt(crc, 16)) throw new DamagedSpoolFileError('wrong checksum');
  const lines = body.toString('utf8').trimEnd().split('\n');
  if (lines.length - 1 !== Number(rows)) throw new DamagedSpoolFileError('wrong number of rows');
  return lines;
}

function parseRow(line: string): Pick<UsageRow, 'userId' | 'minute' | 'channelId' | 'deliveredMs'> {
  const [user, minute, channel, deliveredMs] = parseArray(line);
  const userId = typeof user === 'string' ? parseUserId(user) : undefined;
  const channelId = typeof channel === 'string' ? parseChannelId(channel) : undefined;
  if (!userId || !channelId || !isCount(minute) || !isCount(deliveredMs)) {
    throw new DamagedSpoolFileError(`not a row: ${line.slice(0, 200)}`);
  }
  return { userId, minute: minute as Minute, channelId, deliveredMs };
}

function parseArray(line: string): unknown[] {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
