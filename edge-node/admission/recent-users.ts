import { LRUCache } from 'lru-cache';
import type { UserId } from '../../shared/ids.ts';
import { RECENT_USERS_MAX } from '../../shared/limits.ts';

/**
 * One number for each of the users seen last, at most RECENT_USERS_MAX of them. Bounded by size and not by `max`, for
 * which the library sets all the places aside at once: 2.8 MB, on a node of ten users, too.
 */
export function recentUsers(): LRUCache<UserId, number> {
  return new LRUCache({ maxSize: RECENT_USERS_MAX, sizeCalculation: () => 1 });
}
