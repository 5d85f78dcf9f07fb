import { TS_PACKET_BYTES } from '../../mpeg-ts/ts-packet.ts';
import { Slicer, type SlicerOptions, type SlotSink } from '../slicing/slicer.ts';
import { SlotClock } from '../slicing/slot-clock.ts';

export const SLOT_MS = 20;
export const SLOT_TICKS = SLOT_MS * 27_000;
export const CLOCK = new SlotClock(SLOT_MS);

/** One packet of a stream as it is sent: its place in the stream is what it holds. */
export interface StreamPacket {
  readonly pcr?: number;
  /** When it comes, in ms from the stream's first. */
  readonly atMs: number;
}

/** What a slicer handed on. */
export interface MadeSlot {
  readonly slot: number;
  /** Places of its packets in the stream. */
  readonly packets: readonly number[];
  readonly isSuspect: boolean;
}

export class MadeSlots implements SlotSink {
  readonly all: MadeSlot[] = [];

  slot(slot: number, payload: Buffer, bytes: number, isSuspect: boolean): void {
    const packets: number[] = [];
    for (let at = 0; at < bytes; at += TS_PACKET_BYTES) packets.push(payload.readUInt32BE(at));
    this.all.push({ slot, packets, isSuspect });
  }

  emptySlots(first: number, count: number, isSuspect: boolean): void {
    for (let step = 0; step < count; step += 1) {
      this.all.push({ slot: CLOCK.after(first, step), packets: [], isSuspect });
    }
  }

  get numbers(): number[] {
    return this.all.map(({ slot }) => slot);
  }
}

export interface Heard {
  /** Place of the first packet that is heard. */
  readonly from?: number;
  readonly isLost?: (place: number) => boolean;
  readonly isEnded?: boolean;
}

/** Slices a stream as it is heard by one gateway, which is told of every loss. */
export function slice(
  stream: readonly StreamPacket[],
  { from = 0, isLost = () => false, isEnded = false }: Heard = {},
  options: Partial<SlicerOptions> = {},
) {
  const made = new MadeSlots();
  const slicer = new Slicer(
    {
      clock: CLOCK,
      maxSlotBytes: 512 * 1024,
      isPaired: false,
      firstSlotWithoutClock: 1_000_000,
      ...options,
    },
    made,
  );
  const bytes = Buffer.alloc(TS_PACKET_BYTES, 0xff);
  let isGap = false;
  for (let place = from; place < stream.length; place += 1) {
    const packet = stream[place];
    if (packet === undefined) break;
    if (isLost(place)) {
      isGap = true;
      continue;
    }
    if (isGap) slicer.loss();
    isGap = false;
    if (packet.pcr !== undefined) slicer.pcr(packet.pcr, packet.atMs);
    bytes.writeUInt32BE(place);
    slicer.bytes(bytes, 0, bytes.length, packet.atMs);
  }
  if (isEnded) slicer.end();
  return { slicer, slots: made.all, numbers: made.numbers };
}

/** PCRs at these slots, each followed by packets without one. */
export function streamOf(slots: readonly number[], packetsBetween = 2): StreamPacket[] {
  return slots.flatMap((slot, index) => [
    { pcr: slot * SLOT_TICKS + 1234, atMs: index * SLOT_MS },
    ...Array.from({ length: packetsBetween }, () => ({ atMs: index * SLOT_MS })),
  ]);
}
