import type { InputError } from '../../../shared/errors.ts';
import type { RtpReceiver } from './rtp.ts';

/** What an input tells of the bytes that it receives. Nothing more follows `end`. */
export interface InputEvents {
  /** `bytes[start, end)` is valid during the call only. */
  bytes(bytes: Buffer, start: number, end: number): void;
  /** Bytes are missing between what came and what comes. */
  loss(): void;
  end(reason: InputError): void;
}

/** An input that is open. */
export interface Input {
  /** Where datagrams may be RTP. */
  readonly rtp?: RtpReceiver;
  /** Asks for no further bytes until `resume`, where its sender can be made to wait. */
  pause(): void;
  resume(): void;
  /** Lets go of everything; it tells nothing any more. */
  close(): void;
}
