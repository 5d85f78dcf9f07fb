import { write } from 'node:fs';

const BACKLOG_BYTES = 1024 * 1024;
const RETRY_MS = 50;
const NOTHING = Buffer.alloc(0);

/**
 * Writes lines to a file descriptor without ever making the caller wait, throw or retry for ever: a log whose reader
 * is slow or gone, or whose disk is full, must not hold up viewers. What exceeds a backlog of 1 MiB, or cannot be
 * written, is dropped and counted.
 */
export class BackgroundOutput {
  readonly #fd: number;
  #lines: string[] = [];
  #chars = 0;
  #isWriting = false;
  #onIdle: (() => void)[] = [];
  droppedLines = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    if (this.#chars + line.length > BACKLOG_BYTES) {
      this.droppedLines += 1;
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length;
    if (!this.#isWriting) this.#writeNext();
  }

  /** Resolves once everything is written or dropped; with a reader who reads nothing, never. */
  drained(): Promise<void> {
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #writeNext(): void {
    const lines = this.#lines;
    this.#lines = [];
    this.#chars = 0;
    this.#isWriting = true;
    this.#writeRest(Buffer.from(lines.join('')), lines.length);
  }

  #writeRest(bytes: Buffer, lines: number): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeRest(bytes, lines), RETRY_MS);
        return;
      }
      if (error) this.droppedLines += lines;
      const rest = error ? NOTHING : bytes.subarray(written);
      if (rest.length > 0) this.#writeRest(rest, lines);
      else this.#wroteAll();
    });
  }

  #wroteAll(): void {
    this.#isWriting = false;
    if (this.#lines.length > 0) {
      this.#writeNext();
      return;
    }
    const idle = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of idle) resolve();
  }
}
