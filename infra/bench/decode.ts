/**
 * How many packets a second one core decodes and puts in order, without sockets: `node infra/bench/decode.ts`.
 * The time is CPU time of this process, so that other work on the machine counts little.
 */

import type { PacketView } from '../../edge-node/ordering/packet-view.ts';
import { ReorderBuffer } from '../../edge-node/ordering/reorder-buffer.ts';
import { channelKeyAt, encodePacket } from '../../edge-node/source/packet.ts';
import { PacketDecoder } from '../../edge-node/source/packet-decoder.ts';

const PAYLOAD_BYTES = 1316;
const PACKETS = 40_000;
const CHUNK_BYTES = 64 * 1024;
const LIMITS = { maxPackets: 1024, maxBytes: 4 * 1024 ** 2, deadlineMs: 1000, settleMs: 200 };
const WARM_UPS = 5;
const ROUNDS = 15;

export interface DecodeFigure {
  readonly name: string;
  readonly packetsPerSecond: number;
}

interface Case {
  readonly name: string;
  readonly channels: number;
  /** Packets change places within blocks of so many. */
  readonly shuffleWindow: number;
}

const CASES: readonly Case[] = [
  { name: 'in order, 1 channel', channels: 1, shuffleWindow: 1 },
  { name: 'in order, 20 channels', channels: 20, shuffleWindow: 1 },
  { name: 'shuffled within 16, 20 channels', channels: 20, shuffleWindow: 16 },
  { name: 'shuffled within 200, 1 channel', channels: 1, shuffleWindow: 200 },
];

function shuffleBlocks(numbers: number[], window: number): void {
  let state = 1;
  for (let first = 0; first < numbers.length; first += window) {
    const block = numbers.slice(first, first + window);
    for (let left = block.length; left > 0; left -= 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      numbers[first + left - 1] = block.splice(state % left, 1)[0] ?? 0;
    }
  }
}

/** The chunks that a socket would hand over. Each payload begins with its sequence, for the check of the order. */
function chunksOf({ channels, shuffleWindow }: Case): Buffer[] {
  const sequences = Array.from({ length: PACKETS / channels }, (_, sequence) => sequence);
  shuffleBlocks(sequences, shuffleWindow);
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  const packets = sequences.flatMap((sequence) =>
    Array.from({ length: channels }, (_, channel) => {
      payload.writeUInt32BE(sequence);
      return encodePacket(`c${channel}`, BigInt(sequence), payload);
    }),
  );
  const wire = Buffer.concat(packets);
  const chunkCount = Math.ceil(wire.length / CHUNK_BYTES);
  return Array.from({ length: chunkCount }, (_, i) =>
    wire.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
}

/** One channel's end: everything must arrive here once and in order. */
class OrderCheck {
  delivered = 0;

  deliver({ bytes, start }: PacketView): void {
    if (bytes.readUInt32BE(start) !== this.delivered) throw new Error('out of order');
    this.delivered += 1;
  }
}

/** CPU seconds for all chunks, through a new decoder and new buffers. */
function round({ channels }: Case, chunks: readonly Buffer[]): number {
  const checks = Array.from({ length: channels }, () => new OrderCheck());
  const buffers = new Map(
    checks.map((check, channel) => [
      channelKeyAt(encodePacket(`c${channel}`, 0n, Buffer.alloc(0)), 0),
      new ReorderBuffer(LIMITS, check),
    ]),
  );
  const decoder = new PacketDecoder(PAYLOAD_BYTES, {
    packet(channelKey, packet) {
      buffers.get(channelKey)?.push(packet);
      return true;
    },
  });
  const before = process.cpuUsage();
  for (const chunk of chunks) decoder.push(chunk, 0);
  const { user, system } = process.cpuUsage(before);
  const delivered = checks.reduce((sum, check) => sum + check.delivered, 0);
  if (delivered !== PACKETS) throw new Error(`${delivered} of ${PACKETS} packets came out`);
  return (user + system) / 1e6;
}

function measure(kind: Case): DecodeFigure {
  const chunks = chunksOf(kind);
  for (let i = 0; i < WARM_UPS; i += 1) round(kind, chunks);
  const seconds = Array.from({ length: ROUNDS }, () => round(kind, chunks)).sort((a, b) => a - b);
  const median = seconds[Math.floor(ROUNDS / 2)] ?? Number.NaN;
  return { name: kind.name, packetsPerSecond: Math.round(PACKETS / median) };
}

for (const kind of CASES) console.log(JSON.stringify(measure(kind)));
