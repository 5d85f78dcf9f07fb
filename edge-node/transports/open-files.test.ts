import { expect, it } from 'vitest';
import {
  ADMIN_MAX_CONNECTIONS,
  LOBBY_FILES,
  RESERVED_FILES,
  WATCH_FILES,
  WATCH_MAX_ASKING,
} from '../../shared/limits.ts';
import { fileShares } from './open-files.ts';

it.each([
  ['files are scarce', 20_000, 256],
  ['files just suffice', 20_000, 20_000 + RESERVED_FILES],
  ['files are a few more', 20_000, 20_000 + RESERVED_FILES + 101],
  ['files abound', 20_000, 1_048_576],
])('the shares leave files for everything else where %s', (_name, maxUsers, files) => {
  const { users, connections, asking } = fileShares(maxUsers, files);
  expect(users).toBe(Math.min(maxUsers, files - RESERVED_FILES));
  expect(connections).toBeGreaterThanOrEqual(users + LOBBY_FILES);
  expect(asking).toBeGreaterThanOrEqual(WATCH_FILES);
  expect(asking).toBeLessThanOrEqual(WATCH_MAX_ASKING);
  const others = RESERVED_FILES - LOBBY_FILES - WATCH_FILES;
  expect(connections + asking + others).toBeLessThanOrEqual(files);
  expect(others).toBeGreaterThanOrEqual(2 * ADMIN_MAX_CONNECTIONS);
});

it('a system without a limit shares out MAX_USERS and the limits of the code', () => {
  const { users, connections, asking } = fileShares(100, Number.POSITIVE_INFINITY);
  expect([users, asking]).toEqual([100, WATCH_MAX_ASKING]);
  expect(connections).toBe(Number.POSITIVE_INFINITY);
});
