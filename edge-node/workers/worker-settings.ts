import type { Config } from '../../shared/config.ts';

/** Most users of a node at once, where the files of each worker allow so many. */
export function nodeMaxUsers(
  { MAX_USERS, EDGE_WORKERS }: Pick<Config, 'MAX_USERS' | 'EDGE_WORKERS'>,
  ofWorker: number,
): number {
  return Math.min(MAX_USERS, EDGE_WORKERS * ofWorker);
}
