import { PacketView } from '../packet-view.ts';

/** A packet as a decoder hands it on; the payload is not copied. */
export function packetOf(payload: Buffer, sequence = 0n, arrivedMs = 0): PacketView {
  const packet = new PacketView();
  packet.high = Number(sequence >> 32n);
  packet.low = Number(sequence & 0xffff_ffffn);
  packet.bytes = payload;
  packet.end = payload.length;
  packet.arrivedMs = arrivedMs;
  return packet;
}

export function payloadOf({ bytes, start, end }: PacketView): Buffer {
  return bytes.subarray(start, end);
}
