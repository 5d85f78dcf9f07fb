import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../shared/config.ts';
import { loadEngine } from '../../../shared/store/engines.ts';
import {
  type CassandraCluster,
  startCassandraCluster,
} from '../../local/engines/cassandra-cluster.ts';
import { TestService } from './test-service.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';
const PACKETS_PER_SECOND = 50;
const NAMES = Array.from({ length: 60 }, (_, i) => `user-${i}`);
const FLUSH_MS = 2_000;
const TEST_TIMEOUT_MS = 400_000;

/** A real cluster of three nodes, which are killed one by one. It takes minutes: only the long form runs it. */
export function describeCluster(): void {
  describe('three nodes of Cassandra, killed one by one', () => {
    let cluster: CassandraCluster;
    beforeAll(async () => {
      cluster = await startCassandraCluster(3);
    }, TEST_TIMEOUT_MS);
    afterAll(() => cluster?.stop());

    async function startService(copies: number) {
      const settings = {
        ...cluster.environment,
        DB_NAME: `copies_${copies}`,
        DB_REPLICATION: String(copies),
        USAGE_FLUSH_MS: String(FLUSH_MS),
      };
      await (await loadEngine('cassandra')).createSchema(loadConfig(settings), () => {});
      const service = await TestService.start(settings);
      await service.register(...NAMES);
      const edge = await service.startEdge();
      const users = await service.watch(edge, CHANNEL, ...NAMES);
      service.source.play(CHANNEL, PACKETS_PER_SECOND);
      return { service, edge, users };
    }

    type Started = Awaited<ReturnType<typeof startService>>;

    /** What each of `names` has received by now is stored soon. */
    async function expectStored({ service, users }: Started, names: readonly string[]) {
      const received = new Map(users.map(({ id, packets }) => [id, packets * PACKET_MS]));
      for (const name of names) {
        const stored = () => service.storedMs(name).catch(() => 0);
        await service.eventually(stored).toBeGreaterThanOrEqual(received.get(name) ?? 0);
      }
    }

    /** Nothing is lost and nothing counted twice, once the source is quiet. */
    async function expectExact({ service, users }: Started, names: readonly string[]) {
      await service.runDry(...users);
      for (const user of users.filter(({ id }) => names.includes(id))) {
        const stored = () => service.storedMs(user.id).catch(() => 0);
        await service.eventually(stored).toBe(user.packets * PACKET_MS);
      }
      expect(users.map(({ breaks }) => breaks)).toEqual(users.map(() => 0));
    }

    test(
      'three copies: one node away costs nothing, two away are an outage that ends by itself',
      async () => {
        const started = await startService(3);
        const { service } = started;
        await expectStored(started, NAMES);
        await cluster.nodes[2]?.kill();
        for (let i = 0; i < 20; i++) {
          expect(await service.statusOf('POST', '/register', `new-${i}`)).toBe(200);
          expect(await service.statusOf('GET', `/usage/${NAMES[i]}`)).toBe(200);
        }
        await expectStored(started, NAMES);
        await cluster.nodes[1]?.kill();
        await service.eventually(() => service.statusOf('POST', '/register', 'late')).toBe(500);
        await cluster.nodes[1]?.restart();
        await service.eventually(() => service.statusOf('POST', '/register', 'late')).toBe(200);
        await expectStored(started, NAMES);
        await expectExact(started, NAMES);
        await service.close();
        await cluster.nodes[2]?.restart();
      },
      TEST_TIMEOUT_MS,
    );

    test(
      'one copy: users of nodes that live are served and exact, the others once theirs is back',
      async () => {
        const started = await startService(1);
        const { service } = started;
        await expectStored(started, NAMES);
        await cluster.nodes[2]?.kill();
        let served: string[] = [];
        const readAll = async () => {
          const read = NAMES.map((name) => service.statusOf('GET', `/usage/${name}`));
          const statuses = await Promise.all(read);
          served = NAMES.filter((_, i) => statuses[i] === 200);
          return served.length;
        };
        await service.eventually(readAll).toBeGreaterThan(NAMES.length / 3);
        expect(served.length).toBeLessThan(NAMES.length);
        await expectStored(started, served);
        await expectExact(started, served);
        // Who starts now does so without the node, whichever holds the schema's version.
        await service.startFunctions();
        await cluster.nodes[2]?.restart();
        await expectExact(started, NAMES);
        await service.close();
      },
      TEST_TIMEOUT_MS,
    );
  });
}
