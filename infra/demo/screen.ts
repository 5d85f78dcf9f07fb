import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const BAR_CELLS = 20;
const PLAIN_EVERY_SECONDS = 5;

/** What the demo shows. On a terminal one line moves, elsewhere lines follow each other. */
export class Screen {
  readonly #out = process.stdout;
  readonly #canMove: boolean;
  #moving = false;
  #plainSeconds = 0;

  /** @param shared others write to the same terminal */
  constructor(shared: boolean) {
    this.#canMove = this.#out.isTTY && !shared;
  }

  line(text = ''): void {
    this.#settle();
    this.#out.write(`${text}\n`);
  }

  /** Styled where the output can show it. */
  paint(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#out });
  }

  /** One of the demo's steps, done. */
  step(name: string, text: string): void {
    this.line(`  ${this.paint('green', '✓')} ${name.padEnd(15)} ${text}`);
  }

  /** What takes a while, or what to know. */
  note(text: string): void {
    this.line(`    ${this.paint('dim', text)}`);
  }

  progress(seconds: number, total: number, text: string): void {
    if (this.#canMove) {
      const filled = Math.round((Math.min(seconds, total) / total) * BAR_CELLS);
      const bar =
        this.paint('cyan', '━'.repeat(filled)) + this.paint('dim', '━'.repeat(BAR_CELLS - filled));
      this.#out.write(`\r\x1b[K  ${bar}  ${Math.floor(seconds)}/${total} s  ${text}`);
      this.#moving = true;
    } else if (seconds >= this.#plainSeconds + PLAIN_EVERY_SECONDS || seconds >= total) {
      this.#plainSeconds = Math.floor(seconds);
      this.line(`  ${this.#plainSeconds}/${total} s  ${text}`);
    }
  }

  /** Columns as wide as they need; those named in `right` are numbers. */
  table(
    head: readonly string[],
    rows: readonly (readonly string[])[],
    right: ReadonlySet<number>,
  ): void {
    const widths = head.map((title, column) =>
      Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
    );
    const show = (row: readonly string[]): string =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return right.has(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('   ')
        .trimEnd();
    this.line(`  ${this.paint('bold', show(head))}`);
    for (const row of rows) this.line(`  ${show(row)}`);
  }

  #settle(): void {
    if (this.#moving) this.#out.write('\n');
    this.#moving = false;
  }
}
