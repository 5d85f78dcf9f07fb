import { stripVTControlCharacters } from 'node:util';
import { widthOf } from './table.ts';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const TO_LINE_END = '\x1b[K';
const TO_SCREEN_END = '\x1b[J';
const CTRL_C = '\x03';

/** The whole of a terminal, lent: what stood there is back when it is closed. */
export class FullScreen {
  readonly #out = process.stdout;
  readonly #quit = new AbortController();
  #redraw = () => {};

  get rows(): number {
    return this.#out.rows;
  }

  /** @returns aborted by q, Ctrl-C or a signal to stop */
  open(): AbortSignal {
    this.#out.write(ENTER);
    this.#out.on('resize', () => this.#redraw());
    const quit = () => this.#quit.abort();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, quit);
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true).on('data', (keys: Buffer) => {
        const text = keys.toString('latin1');
        if (text.includes('q') || text.includes(CTRL_C)) quit();
      });
    }
    return this.#quit.signal;
  }

  onResize(draw: () => void): void {
    this.#redraw = draw;
  }

  /** Draws over what is there, without a flicker; what does not fit is cut. */
  draw(lines: readonly string[]): void {
    const { rows, columns } = this.#out;
    const fitting = lines.slice(0, rows).map((line) => cut(line, columns) + TO_LINE_END);
    this.#out.write(HOME + fitting.join('\r\n') + TO_SCREEN_END);
  }

  close(): void {
    if (process.stdin.isTTY) process.stdin.setRawMode(false).pause();
    this.#out.removeAllListeners('resize');
    this.#out.write(LEAVE);
  }
}

/** A line that is too long loses its colours with its end. */
function cut(line: string, columns: number): string {
  return widthOf(line) <= columns ? line : stripVTControlCharacters(line).slice(0, columns);
}
