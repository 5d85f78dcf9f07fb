import { monotonicMs } from '../../../shared/clock.ts';
import { bitrateText, bytesText, counted, durationText } from '../terminal/figures.ts';
import type { Figures } from './stream-figures.ts';

const TERMINAL_EVERY_MS = 250;
const LOG_EVERY_MS = 5_000;

/** Tells on standard error how a stream comes: on a terminal in one line that moves, elsewhere now and then. */
export class Progress {
  readonly #out = process.stderr;
  readonly #read: () => Figures;
  readonly #name: string;
  readonly #sinceMs = monotonicMs();
  #timer: NodeJS.Timeout | undefined;
  #last: { readonly bytes: number; readonly atMs: number };

  constructor(name: string, read: () => Figures) {
    this.#name = name;
    this.#read = read;
    this.#last = { bytes: 0, atMs: this.#sinceMs };
  }

  start(): void {
    if (this.#out.isTTY) this.#show();
    this.#timer = setInterval(
      () => this.#show(),
      this.#out.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS,
    );
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }

  #show(): void {
    const nowMs = monotonicMs();
    const figures = this.#read();
    const elapsed = durationText((nowMs - this.#sinceMs) / 1000);
    const line =
      figures.bytes === 0
        ? `${this.#name}  ${elapsed}  waiting for the channel`
        : [this.#name, elapsed, this.#rate(figures.bytes, nowMs), figuresText(figures)].join('  ');
    const width = Math.max(1, (this.#out.columns ?? Number.POSITIVE_INFINITY) - 1);
    this.#out.write(this.#out.isTTY ? `\r\x1b[K${line.slice(0, width)}` : `${line}\n`);
  }

  #rate(bytes: number, nowMs: number): string {
    const { bytes: before, atMs } = this.#last;
    this.#last = { bytes, atMs: nowMs };
    return bitrateText(nowMs === atMs ? 0 : ((bytes - before) * 8 * 1000) / (nowMs - atMs));
  }
}

export function figuresText({ bytes, streamSeconds, gaps, damaged }: Figures): string {
  const seconds = streamSeconds === null ? 'no clock' : `${streamSeconds.toFixed(1)} s of stream`;
  const flaws = [
    counted(gaps, 'gap'),
    ...(damaged > 0 ? [counted(damaged, 'damaged packet')] : []),
  ];
  return [bytesText(bytes), seconds, ...flaws].join('  ');
}
