import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What goes on, beside the answer: so the answer can be piped. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function sayJson(value: unknown): void {
  say(JSON.stringify(value));
}

/** Styled where standard output shows it. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** A table's lines, with its titles set apart. */
export function sayTable(lines: readonly string[]): void {
  for (const [at, line] of lines.entries()) say(at === 0 ? paint('bold', line) : line);
}
