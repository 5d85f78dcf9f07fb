import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  /** Its cells end at one edge, as figures do. */
  readonly isFigure?: boolean;
}

/** Lines of cells as wide as the widest of their column; the first line is that of the titles. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, at) =>
    Math.max(...lines.map((cells) => widthOf(cells[at] ?? ''))),
  );
  return lines.map((cells) =>
    cells
      .map((cell, at) => {
        const room = ' '.repeat((widths[at] ?? 0) - widthOf(cell));
        return columns[at]?.isFigure ? room + cell : cell + room;
      })
      .join('  ')
      .trimEnd(),
  );
}

export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** What others chose, such as ids, without anything that a terminal would obey. */
export function shown(text: string): string {
  return text.replace(/\p{C}/gu, '\u{fffd}');
}
