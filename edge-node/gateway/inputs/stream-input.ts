import type { Readable } from 'node:stream';
import { InputError } from '../../../shared/errors.ts';
import { isTransportStream, SYNC_BYTE, TS_PACKET_BYTES } from '../../mpeg-ts/ts-packet.ts';
import type { Input, InputEvents } from './input.ts';

/** So much is looked at before a stream is taken for MPEG-TS: more than six packets, wherever the first begins. */
const SNIFF_BYTES = 8 * TS_PACKET_BYTES;
const SNIFF_PACKETS = 6;

/** Whether a stream that begins like this is plain MPEG-TS: packets of 188 bytes, aligned or not. */
export function looksLikeTransportStream(head: Buffer): boolean {
  for (let from = 0; from < TS_PACKET_BYTES; from += 1) {
    if (head[from] !== SYNC_BYTE) continue;
    const end = from + SNIFF_PACKETS * TS_PACKET_BYTES;
    if (end <= head.length) {
      if (isTransportStream(head, from, end)) return true;
    } else {
      const whole = head.length - ((head.length - from) % TS_PACKET_BYTES);
      return isTransportStream(head, from, whole);
    }
  }
  return false;
}

/**
 * Bytes that come as a stream: a file, standard input, the body of an HTTP answer, what ffmpeg writes. They are looked
 * at first: what is no MPEG-TS ends at once and goes no further.
 */
export class StreamInput implements Input {
  readonly #stream: Readable;
  readonly #events: InputEvents;
  /** What has come while it is not known whether this is MPEG-TS; undefined from then on. */
  #head: Buffer[] | undefined = [];
  #headBytes = 0;
  #isClosed = false;

  constructor(stream: Readable, events: InputEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('end', () => this.#finish());
    stream.on('error', (error) =>
      this.#end(new InputError('unreachable', error.message, { cause: error })),
    );
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#stream.resume();
  }

  close(): void {
    this.#isClosed = true;
    this.#stream.on('error', () => {}); // destroying it may raise one
    this.#stream.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#isClosed) return;
    if (this.#head === undefined) {
      this.#events.bytes(chunk, 0, chunk.length);
      return;
    }
    this.#head.push(chunk);
    this.#headBytes += chunk.length;
    if (this.#headBytes >= SNIFF_BYTES) this.#judge(this.#head);
  }

  #judge(chunks: readonly Buffer[]): void {
    const head = Buffer.concat(chunks);
    this.#head = undefined;
    if (looksLikeTransportStream(head)) this.#events.bytes(head, 0, head.length);
    else this.#end(new InputError('not_transport_stream'));
  }

  #finish(): void {
    if (this.#head !== undefined && this.#headBytes > 0) this.#judge(this.#head);
    this.#end(new InputError('ended'));
  }

  #end(reason: InputError): void {
    if (this.#isClosed) return;
    this.close();
    this.#events.end(reason);
  }
}
