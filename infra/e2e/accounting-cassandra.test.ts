import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config.ts';
import { applyCassandraSchema } from '../../shared/store/cassandra/apply-schema.ts';
import { startEngine } from '../local/engines/engines.ts';
import type { LocalEngine } from '../local/engines/local-engine.ts';
import { testEndpoint } from '../local/test-stores.ts';
import { describeCluster } from './testing/accounting-cluster.ts';
import { IS_LONG } from './testing/long.ts';
import { TestService } from './testing/test-service.ts';
import { TestUser } from './testing/test-user.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';
const PACKETS_PER_SECOND = 50;
const USERS = 200;
const PAUSED_MS = IS_LONG ? 60_000 : 8000;
const RETURN_MS = 15_000;

// A node of its own, which confirms only what is on disk: one that is killed must not forget what it confirmed.
describe.skipIf(!testEndpoint('cassandra'))('Cassandra away, killed and back', () => {
  let engine: LocalEngine;
  let service: TestService;

  beforeAll(async () => {
    engine = await startEngine('cassandra', { durable: true });
    const settings = { STORE: 'cassandra', DB_NODES: `127.0.0.1:${engine.port}`, DB_NAME: 'e2e' };
    await applyCassandraSchema(loadConfig(settings), () => {});
    service = await TestService.start(settings);
  }, 400_000);
  afterAll(async () => {
    await service?.close();
    await engine?.stop();
  });

  test(
    'no user is disconnected, known ones can come, and /usage is complete soon after its return',
    async () => {
      const names = Array.from({ length: USERS }, (_, i) => `user-${i}`);
      await service.register(...names);
      const edge = await service.startEdge();
      const users = await service.watch(edge, CHANNEL, ...names);
      service.source.play(CHANNEL, PACKETS_PER_SECOND);
      await service.eventually(() => service.storedMs('user-0')).toBeGreaterThan(0);

      await engine.pause();
      const pausedAt = performance.now();
      const reachable = async () => (await service.status(edge)).store.usage.reachable;
      await service.eventually(() => service.statusOf('POST', '/register', 'new')).toBe(500);
      await service.eventually(() => service.statusOf('GET', '/usage/user-0')).toBe(500);
      users.push(...(await service.watch(edge, CHANNEL, 'user-0')));
      const stranger = new TestUser('stranger', CHANNEL, edge.usersPort);
      await stranger.closed;
      expect(stranger.refusal).toMatch(/^ERR store_unavailable .*\n$/);
      await service.eventually(reachable).toBe(false);
      await sleep(Math.max(0, PAUSED_MS - (performance.now() - pausedAt)));
      expect((await service.status(edge)).usersTotal).toBe(users.length);

      await engine.kill();
      await engine.restart();
      const returnedAt = performance.now();
      await service.runDry(...users);
      const packets = new Map<string, number>();
      for (const { id, packets: count } of users) packets.set(id, (packets.get(id) ?? 0) + count);
      for (const [name, count] of packets) {
        await service.eventually(() => service.storedMs(name)).toBe(count * PACKET_MS);
      }
      for (const [name, count] of packets) {
        const seconds = Math.floor((count * PACKET_MS) / 1000);
        expect(await service.usage(name)).toEqual({ [CHANNEL]: seconds });
      }
      if (IS_LONG) expect(performance.now() - returnedAt).toBeLessThan(RETURN_MS);
      expect((await service.status(edge)).usersTotal).toBe(users.length);
      expect(users.map((user) => user.breaks)).toEqual(users.map(() => 0));
      expect(await edge.process.end('SIGTERM')).toBe(0);
    },
    PAUSED_MS + 400_000,
  );
});

if (IS_LONG && testEndpoint('cassandra')) describeCluster();
