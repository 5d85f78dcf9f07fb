import { createReadStream } from 'node:fs';
import type { InputError } from '../../../shared/errors.ts';
import type { FileSpec } from '../../channel-lists/input-url.ts';
import type { Input, InputEvents } from './input.ts';
import { LoopCarry } from './loop-carry.ts';
import { StreamInput } from './stream-input.ts';

const READ_BYTES = 64 * 1024;

/** A file of MPEG-TS, once or again and again. */
export class FileInput implements Input {
  readonly #spec: FileSpec;
  readonly #events: InputEvents;
  readonly #carry: LoopCarry | undefined;
  #pass: StreamInput;
  #isPaused = false;
  #hasBytes = false;

  constructor(spec: FileSpec, events: InputEvents) {
    this.#spec = spec;
    this.#events = events;
    this.#carry = spec.loop
      ? new LoopCarry((bytes, start, end) => events.bytes(bytes, start, end))
      : undefined;
    this.#pass = this.#open();
  }

  pause(): void {
    this.#isPaused = true;
    this.#pass.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#pass.resume();
  }

  close(): void {
    this.#pass.close();
  }

  #open(): StreamInput {
    const file = createReadStream(this.#spec.path, { highWaterMark: READ_BYTES });
    return new StreamInput(file, {
      bytes: (bytes, start, end) => this.#take(bytes, start, end),
      loss: () => this.#events.loss(),
      end: (reason) => this.#end(reason),
    });
  }

  #take(bytes: Buffer, start: number, end: number): void {
    this.#hasBytes = true;
    if (this.#carry) this.#carry.push(bytes.subarray(start, end));
    else this.#events.bytes(bytes, start, end);
  }

  #end(reason: InputError): void {
    const playsAgain = this.#carry !== undefined && reason.reason === 'ended' && this.#hasBytes;
    if (!playsAgain) {
      this.#events.end(reason);
      return;
    }
    this.#hasBytes = false;
    this.#carry?.nextPass();
    this.#pass = this.#open();
    if (this.#isPaused) this.#pass.pause();
  }
}
