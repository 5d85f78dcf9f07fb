import type { Page } from '../admin/snapshot.ts';
import { element, say } from '../browser/elements.ts';
import { countText } from './figures.ts';

/** What stands over a column. */
export interface Head {
  readonly title: string;
  readonly isFigure?: boolean;
  /** Left out where there is little room. */
  readonly isWide?: boolean;
}

export interface Column<Row, Order extends string> extends Head {
  /** What it is sorted by at the server; a column without it is not. */
  readonly by?: Order;
  /** Brings a cell up to the row; called each second. */
  readonly show: (cell: HTMLTableCellElement, row: Row) => void;
}

interface ListParts<Row, Order extends string> {
  readonly name: 'channels' | 'users';
  readonly columns: readonly Column<Row, Order>[];
  readonly keyOf: (row: Row) => string | number;
  /** As it is sorted at first; `-` before it sorts downwards. */
  readonly order: Order | `-${Order}`;
  readonly rows: number;
  readonly none: string;
  /** Something else is to be seen. */
  readonly changed: () => void;
}

const TYPING_MS = 300;

/** A table that is searched, sorted and cut into pages by the server, and brought up to date each second. */
export class LiveList<Row, Order extends string> {
  readonly #parts: ListParts<Row, Order>;
  readonly #search: HTMLInputElement;
  readonly #count: HTMLElement;
  readonly #before: HTMLButtonElement;
  readonly #after: HTMLButtonElement;
  readonly #head = document.createElement('tr');
  readonly #body = document.createElement('tbody');
  readonly #rows = new Map<string | number, HTMLTableRowElement>();
  #order: string;
  #offset = 0;
  #typing = 0;

  constructor(parts: ListParts<Row, Order>) {
    this.#parts = parts;
    this.#order = parts.order;
    const { name } = parts;
    this.#search = element(`${name}-search`, HTMLInputElement);
    this.#count = element(`${name}-count`, HTMLElement);
    this.#before = element(`${name}-before`, HTMLButtonElement);
    this.#after = element(`${name}-after`, HTMLButtonElement);
    const thead = document.createElement('thead');
    thead.append(this.#head);
    element(name, HTMLTableElement).append(thead, this.#body);
    for (const column of parts.columns) this.#head.append(this.#heading(column));
    this.#showOrder();
    this.#before.addEventListener('click', () => this.#go(this.#offset - parts.rows));
    this.#after.addEventListener('click', () => this.#go(this.#offset + parts.rows));
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => this.#go(0), TYPING_MS);
    });
  }

  /** Adds to the query of `/events` what is to be seen here. */
  ask(query: URLSearchParams): void {
    const { name, rows } = this.#parts;
    query.set(name, this.#search.value);
    query.set(`${name}By`, this.#order);
    query.set(`${name}From`, String(this.#offset));
    query.set(`${name}Rows`, String(rows));
  }

  show({ total, matched, offset, rows }: Page<Row>): void {
    // What was on its way when something else was asked for.
    if (offset !== this.#offset) return;
    if (rows.length === 0 && offset > 0) {
      this.#go(Math.max(0, offset - this.#parts.rows));
      return;
    }
    const range = `${countText(offset + 1)} to ${countText(offset + rows.length)} of `;
    const all = matched === total ? '' : ` (${countText(total)} in all)`;
    say(
      this.#count,
      rows.length === 0 ? `${this.#parts.none}${all}` : `${range}${countText(matched)}${all}`,
    );
    this.#before.disabled = offset === 0;
    this.#after.disabled = offset + rows.length >= matched;
    this.#place(rows);
  }

  #place(rows: readonly Row[]): void {
    const { columns, keyOf } = this.#parts;
    const focused = document.activeElement;
    const keys = new Set(rows.map(keyOf));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    for (const [i, row] of rows.entries()) {
      const key = keyOf(row);
      const at = this.#rows.get(key) ?? this.#newRow();
      this.#rows.set(key, at);
      for (const [c, column] of columns.entries()) {
        const cell = at.cells[c];
        if (cell !== undefined) column.show(cell, row);
      }
      const there = this.#body.rows[i];
      if (there !== at) this.#body.insertBefore(at, there ?? null);
    }
    // A row that moves takes the focus off what stands in it.
    if (focused instanceof HTMLElement && this.#body.contains(focused)) focused.focus();
  }

  #newRow(): HTMLTableRowElement {
    const row = document.createElement('tr');
    for (const { isFigure, isWide } of this.#parts.columns) {
      row.insertCell().className = classOf(isFigure, isWide);
    }
    return row;
  }

  #heading(column: Column<Row, Order>): HTMLTableCellElement {
    const { title, by, isFigure } = column;
    const cell = headingOf(column);
    if (by === undefined) return cell;
    cell.dataset.by = by;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(title);
    button.addEventListener('click', () => this.#sort(by, isFigure === true));
    cell.replaceChildren(button);
    return cell;
  }

  /** Figures begin with the greatest: that is what one looks for. */
  #sort(by: Order, isFigure: boolean): void {
    const first = isFigure ? `-${by}` : by;
    const second = isFigure ? by : `-${by}`;
    this.#order = this.#order === first ? second : first;
    this.#showOrder();
    this.#go(0);
  }

  #showOrder(): void {
    for (const cell of this.#head.cells) {
      const { by } = cell.dataset;
      if (by === this.#order) cell.ariaSort = 'ascending';
      else if (`-${by}` === this.#order) cell.ariaSort = 'descending';
      else cell.removeAttribute('aria-sort');
    }
  }

  #go(offset: number): void {
    this.#offset = Math.max(0, offset);
    this.#parts.changed();
  }
}

/** The head of a column that is not sorted by. */
export function headingOf({ title, isFigure, isWide }: Head): HTMLTableCellElement {
  const cell = document.createElement('th');
  cell.scope = 'col';
  cell.className = classOf(isFigure, isWide);
  cell.append(title);
  return cell;
}

/** The classes of a cell. */
export function classOf(isFigure = false, isWide = false): string {
  return [isFigure ? 'figure' : '', isWide ? 'wide' : ''].filter(Boolean).join(' ');
}
