/**
 * The packet of an MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2 and 2.4.3.4), 188 bytes:
 *
 *     byte  0    sync_byte, 0x47
 *           1-2  transport_error_indicator, payload_unit_start_indicator, transport_priority, PID (13 bits)
 *           3    transport_scrambling_control (2 bits), adaptation field?, payload?, continuity_counter (4 bits)
 *           4-   adaptation field, where there is one: its length without this byte, its flags, what they name;
 *                then the payload, up to the packet's end
 *
 * All functions take the buffer, where the packet begins in it, and (where they need it) its first four bytes as one
 * number. They read nothing outside of the packet and allocate nothing.
 */
export const TS_PACKET_BYTES = 188;
export const SYNC_BYTE = 0x47;

/** A PID has 13 bits. */
export const PIDS = 2 ** 13;
export const PAT_PID = 0x0000;
/** Stuffing between packets that carry something. */
export const NULL_PID = 0x1fff;

const HEADER_BYTES = 4;
const ERROR_FLAG = 0x80_00_00;
const UNIT_START_FLAG = 0x40_00_00;
const SCRAMBLING = 0xc0;
const ADAPTATION_FLAG = 0x20;
const PAYLOAD_FLAG = 0x10;
const CONTINUITY = 0x0f;

const ADAPTATION_MAX_BYTES = TS_PACKET_BYTES - HEADER_BYTES - 1;
const DISCONTINUITY_FLAG = 0x80;
const RANDOM_ACCESS_FLAG = 0x40;
const PCR_FLAG = 0x10;
/** Flags and clock reference. */
const PCR_MIN_LENGTH = 7;

export const headerAt = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at);
export const pidOf = (header: number): number => (header >>> 8) & 0x1fff;
export const continuityOf = (header: number): number => header & CONTINUITY;
export const hasPayload = (header: number): boolean => (header & PAYLOAD_FLAG) !== 0;
/** A PES packet, or the first of the sections that begin here, starts in this packet. */
export const startsUnit = (header: number): boolean => (header & UNIT_START_FLAG) !== 0;
export const isScrambled = (header: number): boolean => (header & SCRAMBLING) !== 0;
/** The receiver found errors that it could not correct: nothing in this packet can be relied on, not even its PID. */
export const hasError = (header: number): boolean => (header & ERROR_FLAG) !== 0;

/** Where the payload of the packet at `at` begins: at or past its end where it has none, or a length is wrong. */
export function payloadStart(bytes: Buffer, at: number, header: number): number {
  if ((header & ADAPTATION_FLAG) === 0) return at + HEADER_BYTES;
  return at + HEADER_BYTES + 1 + bytes.readUInt8(at + HEADER_BYTES);
}

/** The flags of the adaptation field; 0 where there is none, or where its length is wrong. */
function adaptationFlags(bytes: Buffer, at: number, header: number): number {
  if ((header & ADAPTATION_FLAG) === 0) return 0;
  const length = bytes.readUInt8(at + HEADER_BYTES);
  return length === 0 || length > ADAPTATION_MAX_BYTES ? 0 : bytes.readUInt8(at + HEADER_BYTES + 1);
}

/** Whether decoding can start here, by the stream's own word (2.4.3.5). */
export function isRandomAccess(bytes: Buffer, at: number, header: number): boolean {
  return (adaptationFlags(bytes, at, header) & RANDOM_ACCESS_FLAG) !== 0;
}

/** Whether clock and continuity counter may jump here: then a jump of the counter is no loss. */
export function isDiscontinuity(bytes: Buffer, at: number, header: number): boolean {
  return (adaptationFlags(bytes, at, header) & DISCONTINUITY_FLAG) !== 0;
}

/** Where the clock reference of the packet at `at` stands, if it carries one. */
export function pcrOffset(bytes: Buffer, at: number, header: number): number | undefined {
  if ((adaptationFlags(bytes, at, header) & PCR_FLAG) === 0) return undefined;
  return bytes.readUInt8(at + HEADER_BYTES) < PCR_MIN_LENGTH ? undefined : at + HEADER_BYTES + 2;
}

/** No packet of the PID has come yet. */
export const NO_CONTINUITY = -1;

/**
 * Whether this packet is the one after that of counter `previous` on its PID (2.4.3.3). The counter moves with
 * payloads alone. With NO_CONTINUITY any packet is.
 */
export function followsOn(previous: number, header: number): boolean {
  if (previous === NO_CONTINUITY) return true;
  const expected = hasPayload(header) ? (previous + 1) & CONTINUITY : previous;
  return continuityOf(header) === expected;
}

/** Whether this packet repeats the one before of its PID, as any may once (2.4.3.3): its payload is to be left out. */
export function isRepeat(previous: number, header: number): boolean {
  return hasPayload(header) && continuityOf(header) === previous;
}

/** Whether these bytes are whole packets, at least one. */
export function isTransportStream(bytes: Buffer, start: number, end: number): boolean {
  if (end === start || (end - start) % TS_PACKET_BYTES !== 0) return false;
  for (let at = start; at < end; at += TS_PACKET_BYTES) {
    if (bytes[at] !== SYNC_BYTE) return false;
  }
  return true;
}
