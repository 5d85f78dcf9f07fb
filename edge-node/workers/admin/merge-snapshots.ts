import type { Clock } from '../../../shared/clock.ts';
import { type ListQuery, pageOf } from '../../admin/live/listing.ts';
import type { LiveQuery } from '../../admin/live/live-query.ts';
import type {
  ChannelOrder,
  ChannelRow,
  NodeStatus,
  Page,
  Sample,
  Snapshot,
} from '../../admin/snapshot.ts';
import { mergeStatus } from './merge-status.ts';

/** All of a list: which channels are first is known only once all workers' figures are together. */
const ALL_ROWS = 1_000_000;

/** What each worker is asked for, so that a page of all can be made of it. */
export function queryOfWorkers({ channels, users }: LiveQuery): LiveQuery {
  const channelRows = channels.by === 'channel' ? channels.offset + channels.limit : ALL_ROWS;
  return {
    channels: { ...channels, offset: 0, limit: channelRows },
    users: { ...users, offset: 0, limit: users.offset + users.limit },
  };
}

/** Snapshots of several workers as the node's: each has all channels, and users of its own. */
export async function mergeSnapshots(
  snapshots: readonly Snapshot[],
  { channels, users }: LiveQuery,
  clock: Clock,
): Promise<Snapshot> {
  const node = await mergeStatus(
    snapshots.map((each) => ({ ...each.node })),
    clock,
  );
  return {
    node: node as unknown as NodeStatus,
    sample: mergeSamples(snapshots.map(({ sample }) => sample)),
    channels: await mergeChannels(
      snapshots.map((each) => each.channels),
      channels,
      clock,
    ),
    users: {
      ...(await pageOfRows(
        snapshots.flatMap((each) => each.users.rows),
        users,
        clock,
      )),
      total: sumOf(snapshots.map((each) => each.users.total)),
      matched: sumOf(snapshots.map((each) => each.users.matched)),
    },
  };
}

/** What several workers did in the same second. */
export function mergeSamples(samples: readonly Sample[]): Sample {
  return {
    at: Math.max(...samples.map(({ at }) => at)),
    users: sumOf(samples.map(({ users }) => users)),
    bytesIn: sumOf(samples.map(({ bytesIn }) => bytesIn)),
    bytesOut: sumOf(samples.map(({ bytesOut }) => bytesOut)),
    cpu: sumOf(samples.map(({ cpu }) => cpu)),
    loopDelayMs: Math.max(...samples.map(({ loopDelayMs }) => loopDelayMs)),
  };
}

/** Samples of several workers, the oldest first: their newest ones are of the same second. */
export function mergeHistories(histories: readonly (readonly Sample[])[]): Sample[] {
  const longest = Math.max(0, ...histories.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => {
    const back = longest - i;
    return mergeSamples(
      histories.map((samples) => samples.at(-back)).filter((sample) => sample !== undefined),
    );
  });
}

async function mergeChannels(
  pages: readonly Page<ChannelRow>[],
  query: ListQuery<ChannelOrder>,
  clock: Clock,
): Promise<Page<ChannelRow>> {
  // Each worker reads the source for itself: what comes in is the same for all of them.
  const rates = new Map(
    pages.flatMap(({ rows }) => rows.map((row) => [row.channel, row.rates] as const)),
  );
  const merged = await mergeStatus(
    pages.map(({ rows }) => ({ rows: rows.map(({ rates: _, ...row }) => row) })),
    clock,
  );
  const rows = (merged.rows as Omit<ChannelRow, 'rates'>[]).map((row) => ({
    ...row,
    rates: rates.get(row.channel) ?? [],
  }));
  return {
    ...(await pageOfRows(rows, query, clock)),
    total: Math.max(...pages.map(({ total }) => total)),
    matched: Math.max(...pages.map(({ matched }) => matched)),
  };
}

/** Rows are named as what they may be sorted by; the search is done already. */
function pageOfRows<Order extends string, Row extends Readonly<Record<Order, string | number>>>(
  rows: readonly Row[],
  query: ListQuery<Order>,
  clock: Clock,
): Promise<Page<Row>> {
  return pageOf(rows, clock, {
    query: { ...query, search: '' },
    keyOf: (row) => row[query.by],
    texts: () => [],
    row: (row) => row,
  });
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
