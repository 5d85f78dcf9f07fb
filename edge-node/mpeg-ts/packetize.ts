import { SYNC_BYTE, TS_PACKET_BYTES } from './ts-packet.ts';

const HEADER_BYTES = 4;
const STUFFING = 0xff;

/**
 * The packets that carry one section and nothing else (ISO/IEC 13818-1, 2.4.4): the first begins with a pointer_field
 * of 0, and what the last has left is stuffing. Counters go on from `continuity`.
 */
export function packetizeSection(pid: number, section: Uint8Array, continuity: number): Buffer {
  const room = TS_PACKET_BYTES - HEADER_BYTES;
  const payload = Buffer.concat([Buffer.of(0), section]);
  const count = Math.ceil(payload.length / room);
  const packets = Buffer.alloc(count * TS_PACKET_BYTES, STUFFING);
  for (let index = 0; index < count; index += 1) {
    const at = index * TS_PACKET_BYTES;
    packets.writeUInt8(SYNC_BYTE, at);
    packets.writeUInt16BE((index === 0 ? 0x4000 : 0) | pid, at + 1);
    packets.writeUInt8(0x10 | ((continuity + index) & 0x0f), at + 3);
    packets.set(payload.subarray(index * room, (index + 1) * room), at + HEADER_BYTES);
  }
  return packets;
}
