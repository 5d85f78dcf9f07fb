/**
 * What it costs a channel to know where a decoder can start, per payload of 1,316 bytes: `node infra/bench/micro/scan.ts`.
 * The time is CPU time of this process, the least of several rounds, so that other work on the machine counts little.
 */

import { EntryFinder } from '../../../edge-node/mpeg-ts/entries/entry-finder.ts';
import { headerAt, pidOf, TS_PACKET_BYTES } from '../../../edge-node/mpeg-ts/ts-packet.ts';
import { Clip, PAYLOAD_BYTES } from '../../demo/media/clip.ts';

const PAYLOADS = 4_000;
const WARM_UPS = 10;
const ROUNDS = 30;
const AUDIO_PID = 0x101;
const TABLE_PIDS = [0, 0x1000];

const clip = Clip.load('zato01');
const picturesAndSound = Buffer.concat(
  Array.from({ length: PAYLOADS }, (_, index) => clip.payload(index)),
);

/** Of the clip only what a radio has, again and again to the same length; its map still names the pictures. */
function soundAlone(): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at < picturesAndSound.length; at += TS_PACKET_BYTES) {
    const pid = pidOf(headerAt(picturesAndSound, at));
    if (pid !== AUDIO_PID && !TABLE_PIDS.includes(pid)) continue;
    kept.push(picturesAndSound.subarray(at, at + TS_PACKET_BYTES));
  }
  const once = Buffer.concat(kept);
  const times = Math.ceil(picturesAndSound.length / once.length);
  return Buffer.concat(Array.from({ length: times }, () => once)).subarray(
    0,
    picturesAndSound.length,
  );
}

/** The same at every run, and no packets in it. */
function noise(): Buffer {
  return Buffer.from(
    Uint8Array.from(
      { length: picturesAndSound.length },
      (_, at) => Math.imul(at, 2654435761) >>> 24,
    ),
  );
}

/** CPU nanoseconds a payload. */
function round(stream: Buffer): number {
  const finder = new EntryFinder();
  const before = process.cpuUsage();
  for (let at = 0; at < stream.length; at += PAYLOAD_BYTES) {
    finder.push(stream, at, at + PAYLOAD_BYTES);
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / PAYLOADS;
}

for (const [name, stream] of [
  ['pictures and sound', picturesAndSound],
  ['sound alone', soundAlone()],
  ['no transport stream', noise()],
] as const) {
  for (let i = 0; i < WARM_UPS; i += 1) round(stream);
  const nanoseconds = Math.min(...Array.from({ length: ROUNDS }, () => round(stream)));
  console.log(JSON.stringify({ name, nanosecondsPerPayload: Math.round(nanoseconds) }));
}
