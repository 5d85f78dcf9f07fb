/** What is longer is cut, but in the last column. */
const CELL_MAX_CHARS = 80;

/** Columns as wide as their longest cell. What lists name things by is shown without control characters. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = [headings, ...rows].map((row) => row.map(shownCell));
  const widths = headings.map((_, column) =>
    Math.max(...shown.map((row) => (row[column] ?? '').length)),
  );
  return shown
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shownCell(text: string, column: number, row: readonly string[]): string {
  const printable = text.replace(/\p{Cc}/gu, ' ');
  const isCut = printable.length > CELL_MAX_CHARS && column < row.length - 1;
  return isCut ? `${printable.slice(0, CELL_MAX_CHARS - 1)}…` : printable;
}
