import type { Clock } from '../../../shared/clock.ts';
import { MAX_LISTED_USERS } from '../../admin/status.ts';
import { inSlices } from '../../channels/in-slices.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Fields of which the node has the greatest, the mean, or one that is true; other numbers are summed. */
const GREATEST = [
  'uptimeSeconds',
  'loadFactor',
  'deliveryShare',
  'silentSeconds',
  'oldestPendingMs',
  'usersMax',
  'seconds',
];
const MEAN = ['packetsPerSecond', 'secondsPerSecond', 'emptyShare'];
const ANY = ['billedWrongly'];

/**
 * /status of several processes as one: numbers are summed unless they are named above, truths hold where they hold for
 * all, and of different texts each is told once. Items of a list are put together by their first field, the channels by
 * their ids; but each user is one process's.
 */
export async function mergeStatus(statuses: readonly Fields[], clock: Clock): Promise<Fields> {
  const merged: Record<string, unknown> = {};
  for (const name of namesIn(statuses)) {
    const values = statuses.map((status) => status[name]).filter((value) => value !== undefined);
    if (name === 'users') merged[name] = values.flat().slice(0, MAX_LISTED_USERS);
    else if (values.every(Array.isArray)) merged[name] = await mergeLists(values.flat(), clock);
    else merged[name] = mergeValues(name, values);
  }
  return merged;
}

async function mergeLists(items: readonly Fields[], clock: Clock): Promise<Fields[]> {
  const groups = Map.groupBy(items, (item) => Object.values(item)[0]);
  const merged: Fields[] = [];
  await inSlices(groups.values(), clock, (group) => merged.push(mergeFields(group)));
  return merged;
}

function mergeFields(all: readonly Fields[]): Fields {
  return Object.fromEntries(
    namesIn(all).map((name) => [
      name,
      mergeValues(
        name,
        all.map((fields) => fields[name]),
      ),
    ]),
  );
}

function mergeValues(name: string, given: readonly unknown[]): unknown {
  const values = given.filter((value) => value !== undefined && value !== null);
  const [first] = values;
  if (first === undefined) return null;
  if (values.every((value) => typeof value === 'number')) return mergeNumbers(name, values);
  if (values.every((value) => typeof value === 'boolean')) {
    return ANY.includes(name) ? values.includes(true) : !values.includes(false);
  }
  if (values.every((value) => typeof value === 'object')) return mergeFields(values as Fields[]);
  return [...new Set(values)].join(', ');
}

function mergeNumbers(name: string, values: readonly number[]): number {
  if (GREATEST.includes(name)) return Math.max(...values);
  const sum = values.reduce((total, value) => total + value, 0);
  return MEAN.includes(name) ? Math.round((sum / values.length) * 1000) / 1000 : sum;
}

function namesIn(all: readonly Fields[]): string[] {
  return [...new Set(all.flatMap(Object.keys))];
}
