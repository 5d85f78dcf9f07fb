import { write } from 'node:fs';
import { LOG_BACKLOG_BYTES } from './limits.ts';

const RETRY_MS = 50;
/** A pipe takes so much whole (PIPE_BUF of Linux), whoever else writes to it: workers of a node share their log. */
const PIPE_BYTES = 4_096;
const NOTHING = Buffer.alloc(0);

/**
 * Writes lines to a file descriptor without ever making the caller wait, throw or retry for ever: a log whose reader
 * is slow or gone, or whose disk is full, must not hold up viewers. What exceeds a backlog of 1 MiB, or cannot be
 * written, is dropped and counted, and the count is told once lines are read again.
 */
export class BackgroundOutput {
  readonly #fd: number;
  #lines: string[] = [];
  #chars = 0;
  #isWriting = false;
  #onIdle: (() => void)[] = [];
  #onFlow: (lines: number) => void = () => {};
  #unreported = 0;
  #isReporting = false;
  droppedLines = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    if (this.#chars + line.length > LOG_BACKLOG_BYTES && !this.#isReporting) {
      this.#drop(1);
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length;
    if (!this.#isWriting) this.#writeNext();
  }

  /** Where it is told how many lines were dropped since the last time, as soon as lines are read again. */
  onFlow(report: (lines: number) => void): void {
    this.#onFlow = report;
  }

  /** Resolves once everything is written or dropped; with a reader who reads nothing, never. */
  drained(): Promise<void> {
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #writeNext(): void {
    const bytes = this.#takeLines();
    this.#isWriting = true;
    this.#writeRest(bytes.text, bytes.lines);
  }

  /** As many whole lines as a pipe takes at once, or one that is longer. */
  #takeLines(): { readonly text: Buffer; readonly lines: number } {
    const taken: Buffer[] = [];
    let length = 0;
    for (const line of this.#lines) {
      const text = Buffer.from(line);
      if (taken.length > 0 && length + text.length > PIPE_BYTES) break;
      taken.push(text);
      length += text.length;
      this.#chars -= line.length;
    }
    this.#lines.splice(0, taken.length);
    return { text: Buffer.concat(taken), lines: taken.length };
  }

  #writeRest(bytes: Buffer, lines: number): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeRest(bytes, lines), RETRY_MS);
        return;
      }
      if (error) this.#drop(lines);
      const rest = error ? NOTHING : bytes.subarray(written);
      if (rest.length > 0) return this.#writeRest(rest, lines);
      if (!error) this.#report();
      this.#wroteAll();
    });
  }

  #drop(lines: number): void {
    this.droppedLines += lines;
    this.#unreported += lines;
  }

  /** Called while a write still counts as under way: what the report writes waits behind the backlog, full or not. */
  #report(): void {
    const lines = this.#unreported;
    if (lines === 0) return;
    this.#unreported = 0;
    this.#isReporting = true;
    this.#onFlow(lines);
    this.#isReporting = false;
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
