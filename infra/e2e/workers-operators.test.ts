import { afterEach, expect, test } from 'vitest';
import type { EdgeStatus, UserReport } from '../../edge-node/admin/snapshot.ts';
import { Onlooker } from '../../edge-node/testing/onlooker.ts';
import { TestService } from './testing/test-service.ts';

const CHANNEL = 'zato01';
const USERS = Array.from({ length: 12 }, (_, i) => `user-${String(i).padStart(2, '0')}`);
const TEST_TIMEOUT_MS = 240_000;

let service: TestService;
afterEach(() => service.close());

test(
  'operators see the workers of a node as one, and close a session on any of them',
  async () => {
    service = await TestService.start({ EDGE_WORKERS: '2', USAGE_FLUSH_MS: '1000' });
    const node = await service.startEdge();
    const origin = `http://127.0.0.1:${node.adminPort}`;
    await service.eventually(() => service.source.accepted).toBeGreaterThanOrEqual(2);
    await service.register(...USERS);
    service.source.play(CHANNEL, 50);
    await service.watch(node, CHANNEL, ...USERS);

    const onlooker = await Onlooker.open(origin, 'usersBy=-user&usersFrom=2&usersRows=4');
    // Rates are measured once a second.
    await service
      .eventually(() => onlooker.newest?.channels.rows[0]?.rates.length)
      .toBeGreaterThan(0);
    // What a worker is late to tell lacks in one document, and stands in the next.
    await service
      .eventually(() => onlooker.newest)
      .toMatchObject({
        sample: { users: 12 },
        node: { accepting: true, usersTotal: 12, store: { answers: true } },
        channels: { total: 1, rows: [{ channel: CHANNEL, watchers: 12 }] },
        users: {
          ...{ total: 12, matched: 12, offset: 2 },
          rows: ['user-09', 'user-08', 'user-07', 'user-06'].map((user) => ({ user })),
        },
      });
    const later = await Onlooker.open(origin, '');
    await service.eventually(() => later.history[0]?.samples.length).toBeGreaterThan(0);

    const report = async (): Promise<UserReport> =>
      (await fetch(`${origin}/users/user-03`)).json() as Promise<UserReport>;
    await service
      .eventually(async () => (await report()).usage.sessions[CHANNEL])
      .toBeGreaterThan(0);
    let users = new Map<string, number>();
    const watching = async () => {
      const all = (await (await fetch(`${origin}/status`)).json()) as EdgeStatus;
      users = new Map(all.users.map(({ id, user }) => [user, id]));
      return new Set(users.values()).size;
    };
    await service.eventually(watching).toBe(USERS.length);
    const id = users.get('user-03');
    await service
      .eventually(async () => (await report()).sessions.map((session) => session.id))
      .toEqual([id]);
    const close = () => fetch(`${origin}/sessions/${id}/close`, { method: 'POST' });
    expect((await close()).status).toBe(204);
    await service.eventually(() => onlooker.newest?.users.total).toBe(USERS.length - 1);
    expect((await close()).status).toBe(404);
    expect((await report()).sessions).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);
