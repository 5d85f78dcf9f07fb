import type { Clock } from '../../../shared/clock.ts';
import { inSlices } from '../../channels/in-slices.ts';
import type { Page } from '../snapshot.ts';

/** Which part of a list is wanted, in which order. */
export interface ListQuery<Order extends string> {
  /** In lower case; empty: all. */
  readonly search: string;
  readonly by: Order;
  readonly isDescending: boolean;
  readonly offset: number;
  readonly limit: number;
}

interface Listing<Item, Row> {
  readonly query: Omit<ListQuery<string>, 'by'>;
  /** What an item is sorted by. */
  readonly keyOf: (item: Item) => string | number;
  /** What is searched in an item. */
  readonly texts: (item: Item) => readonly string[];
  readonly row: (item: Item) => Row;
}

interface Entry<Item> {
  readonly item: Item;
  readonly key: string | number;
  /** Equal keys stay in the order in which they came: a list that is asked for each second stands still. */
  readonly place: number;
}

/** More than a page is kept while the items are gone through, so that sorting is done now and then. */
const SPARE_ENTRIES = 1_000;

/** A page of a list, in slices: only what may be on it is kept, however many items there are. */
export async function pageOf<Item, Row>(
  items: Iterable<Item>,
  clock: Clock,
  { query, keyOf, texts, row }: Listing<Item, Row>,
): Promise<Page<Row>> {
  const { search, isDescending, offset, limit } = query;
  const needed = offset + limit;
  const compare = isDescending ? descending : ascending;
  const best: Entry<Item>[] = [];
  let total = 0;
  let matched = 0;
  await inSlices(items, clock, (item) => {
    total += 1;
    if (search !== '' && !texts(item).some((text) => text.toLowerCase().includes(search))) return;
    matched += 1;
    best.push({ item, key: keyOf(item), place: total });
    if (best.length < needed + SPARE_ENTRIES) return;
    best.sort(compare);
    best.length = needed;
  });
  best.sort(compare);
  const rows = best.slice(offset, needed).map(({ item }) => row(item));
  return { total, matched, offset, rows };
}

type Sortable = Pick<Entry<unknown>, 'key' | 'place'>;

function ascending(one: Sortable, other: Sortable): number {
  if (one.key === other.key) return one.place - other.place;
  return one.key < other.key ? -1 : 1;
}

function descending(one: Sortable, other: Sortable): number {
  if (one.key === other.key) return one.place - other.place;
  return one.key < other.key ? 1 : -1;
}
