import { expect, it } from 'vitest';
import {
  ADMIN_MAX_CONNECTIONS,
  ARRIVALS_FILES,
  ARRIVALS_MAX,
  ARRIVALS_SHARE,
  HTTP_TURNED_AWAY_MAX,
  PROBE_MAX_CONNECTIONS,
  RESERVED_FILES,
} from '../../shared/limits.ts';
import { fileShares, filesFor } from './open-files.ts';

const CROWDS = 4;

it.each([
  ['files are scarce', 20_000, 256],
  ['files are as many as users', 20_000, 20_000],
  ['files just suffice', 20_000, filesFor(20_000)],
  ['files are a few more', 20_000, filesFor(20_000) + 101],
  ['files abound', 20_000, 1_048_576],
])('the shares leave files for everything else where %s', (_name, maxUsers, files) => {
  const { users, connections, crowd } = fileShares(maxUsers, files);
  const others = files - connections;
  expect(others).toBeGreaterThanOrEqual(
    2 * ADMIN_MAX_CONNECTIONS + PROBE_MAX_CONNECTIONS + HTTP_TURNED_AWAY_MAX,
  );
  expect(users + CROWDS * crowd).toBeLessThanOrEqual(connections);
  const least = Math.max(ARRIVALS_FILES, files * ARRIVALS_SHARE) / CROWDS;
  expect(crowd).toBe(Math.min(ARRIVALS_MAX, Math.floor(least)));
});

it('few files are shared as they always were: all but RESERVED_FILES are users’', () => {
  expect(fileShares(20_000, 256).users).toBe(256 - RESERVED_FILES);
});

it.each([100, 500, 2_000, 20_000, 1_000_000])(
  '%i users have room with filesFor, and not with fewer',
  (users) => {
    expect(fileShares(users, filesFor(users)).users).toBe(users);
    expect(fileShares(users, filesFor(users) - 20).users).toBeLessThan(users);
  },
);

it('a system without a limit shares out MAX_USERS and the limits of the code', () => {
  const shares = fileShares(100, Number.POSITIVE_INFINITY);
  expect(shares).toEqual({
    users: 100,
    connections: Number.POSITIVE_INFINITY,
    crowd: ARRIVALS_MAX,
  });
});
