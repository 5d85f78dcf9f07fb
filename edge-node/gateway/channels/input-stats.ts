import type { InputEnd } from '../../../shared/errors.ts';
import { TS_PACKET_BYTES } from '../../mpeg-ts/ts-packet.ts';
import type { RtpReceiver } from '../inputs/rtp.ts';
import type { StreamReader } from '../slicing/stream-reader.ts';

/** What is counted of an input over all its openings. */
export interface InputCounts {
  readonly bytes: number;
  readonly pcrs: number;
  readonly errorPackets: number;
  readonly continuityErrors: number;
  readonly syncLosses: number;
  readonly rtpLost: number;
  readonly rtpLate: number;
  readonly rtpMalformed: number;
}

const RATE_MS = 1_000;
const NOTHING: InputCounts = {
  ...{ bytes: 0, pcrs: 0, errorPackets: 0, continuityErrors: 0, syncLosses: 0 },
  ...{ rtpLost: 0, rtpLate: 0, rtpMalformed: 0 },
};

/** Counters of one input, and its rates over the last second. */
export class InputStats {
  readonly ends = new Map<InputEnd, number>();
  opened = 0;
  bitsPerSecond = 0;
  /** Mean of the last second; 0 while no PCR comes. */
  pcrIntervalMs = 0;
  /** Of the openings before the present one. */
  #before = NOTHING;
  #reader: StreamReader | undefined;
  #rtp: RtpReceiver | undefined;
  #rateSinceMs = 0;
  #rateFrom = NOTHING;

  /** The stream as it is read now; undefined before the first opening. */
  get reader(): StreamReader | undefined {
    return this.#reader;
  }

  get counts(): InputCounts {
    const before = this.#before;
    const reader = this.#reader;
    const rtp = this.#rtp;
    return {
      bytes: before.bytes + (reader?.packets ?? 0) * TS_PACKET_BYTES,
      pcrs: before.pcrs + (reader?.pcrs ?? 0),
      errorPackets: before.errorPackets + (reader?.errorPackets ?? 0),
      continuityErrors: before.continuityErrors + (reader?.continuityErrors ?? 0),
      syncLosses: before.syncLosses + (reader?.syncLosses ?? 0),
      rtpLost: before.rtpLost + (rtp?.lostPackets ?? 0),
      rtpLate: before.rtpLate + (rtp?.latePackets ?? 0),
      rtpMalformed: before.rtpMalformed + (rtp?.malformedPackets ?? 0),
    };
  }

  begin(reader: StreamReader, rtp: RtpReceiver | undefined): void {
    this.#before = this.counts;
    this.opened += 1;
    this.#reader = reader;
    this.#rtp = rtp;
  }

  end(reason: InputEnd): void {
    this.ends.set(reason, (this.ends.get(reason) ?? 0) + 1);
  }

  tick(nowMs: number): void {
    const passedMs = nowMs - this.#rateSinceMs;
    if (passedMs < RATE_MS) return;
    const { counts } = this;
    const pcrs = counts.pcrs - this.#rateFrom.pcrs;
    this.bitsPerSecond = ((counts.bytes - this.#rateFrom.bytes) * 8 * 1000) / passedMs;
    this.pcrIntervalMs = pcrs === 0 ? 0 : passedMs / pcrs;
    this.#rateSinceMs = nowMs;
    this.#rateFrom = counts;
  }
}
