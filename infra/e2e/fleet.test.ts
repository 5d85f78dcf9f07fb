import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { randomOf } from '../../edge-node/testing/random.ts';
import { NatsServers } from '../local/nats/nats-servers.ts';
import { NATS_PROGRAM } from '../local/test-nats.ts';
import { FLUSH_MS, Fleet, type Victim } from './testing/fleet.ts';
import { IS_LONG } from './testing/long.ts';
import { TestService } from './testing/test-service.ts';
import type { TestUser } from './testing/test-user.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';
/** Long: one of all is killed at random every 10 s for 5 minutes. Short: one of each kind. */
const KILLS = IS_LONG ? 30 : 3;
const PERIOD_MS = IS_LONG ? 10_000 : 2_000;
const USERS = IS_LONG ? 60 : 12;
const seed = Number(process.env.FLEET_SEED ?? Date.now() % 2 ** 31);

const KINDS = ['relay', 'nats', 'edge node'] as const;

describe.skipIf(NATS_PROGRAM === undefined)(
  'a fleet of which one after the other is killed',
  () => {
    test(`loses users nothing but what is told as lost, and that only when NATS dies (FLEET_SEED=${seed})`, async () => {
      console.log(`FLEET_SEED=${seed}`);
      const next = randomOf(seed);
      await using fleet = await Fleet.start(NATS_PROGRAM ?? '', USERS);
      /** From the death of a NATS server until every user was sent what came after. */
      const natsOutages: { readonly fromMs: number; readonly toMs: number }[] = [];
      const killed: string[] = [];
      let edgesKilled = 0;
      for (let i = 0; i < KILLS; i += 1) {
        const of: readonly Victim[] = IS_LONG
          ? fleet.victims
          : fleet.victims.filter(({ kind }) => kind === KINDS[i]);
        const victim = of[Math.floor(next() * of.length)];
        if (victim === undefined) throw new RangeError('nobody to kill');
        const beganMs = performance.now();
        if (victim.kind === 'edge node') edgesKilled += 1;
        killed.push(victim.name);
        await victim.kill();
        await sleep(PERIOD_MS / 4);
        await victim.revive();
        await fleet.allWatch();
        const toMs = performance.now();
        if (victim.kind === 'nats') natsOutages.push({ fromMs: beganMs, toMs });
        await sleep(Math.max(0, PERIOD_MS - (performance.now() - beganMs)));
      }
      console.log(`killed: ${killed.join(', ')}`);

      const sessions = fleet.users.flatMap(({ sessions }) => sessions);
      const gaps = sessions.flatMap(({ user }) => user.gaps);
      const missed = gaps.reduce((sum, { packets }) => sum + packets, 0);
      console.log(`${gaps.length} gaps, ${missed} packets of ${sum(fleet.users)} missed`);
      const unexplained = gaps.filter(
        ({ atMs }) => !natsOutages.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs),
      );
      expect(unexplained).toEqual([]);
      // In order, and nothing twice: every break is a gap.
      for (const { user } of sessions) expect(user.breaks).toBe(user.gaps.length);
      for (const edge of fleet.edges) {
        if (edge === undefined) continue;
        const missing = sessions
          .filter((session) => session.edge === edge)
          .map(({ user }) => user.gaps.reduce((all, { packets }) => all + packets, 0));
        const { channels } = await fleet.service.status(edge);
        const lost = channels.reduce((all, channel) => all + channel.lost, 0);
        for (const packets of missing) expect(packets).toBeLessThanOrEqual(lost);
      }

      await Promise.all(fleet.users.map((user) => user.leave()));
      fleet.service.source.pause();
      // A killed edge node leaves less than two flush intervals of each of its users unwritten.
      const unwritten = ((2 * FLUSH_MS) / PACKET_MS) * edgesKilled;
      for (const user of fleet.users) {
        const stored = async () => (await fleet.service.storedMs(user.id)) / PACKET_MS;
        await fleet.service.eventually(stored).toBeGreaterThanOrEqual(user.packets - unwritten);
        const inKernel = PACKETS_IN_FLIGHT * user.sessions.length;
        expect(await stored()).toBeLessThanOrEqual(user.packets + inKernel);
      }
    }, 600_000);
  },
);

describe.skipIf(NATS_PROGRAM === undefined)(
  'an edge node that NATS cuts off for being slow',
  () => {
    test('counts its gap and goes on, for the users who stayed', async () => {
      const nats = await NatsServers.start(NATS_PROGRAM ?? '', 1, {
        configuration: ['max_pending: 2MB', 'write_deadline: "1s"'],
      });
      const service = await TestService.start({ NATS_URL: nats.urls, SOURCE_SILENCE_MS: '0' });
      try {
        await service.startRelay();
        const edge = await service.startFleetEdge();
        await service.register('one');
        const [user] = (await service.watch(edge, CHANNEL, 'one')) as [TestUser];
        await service
          .eventually(() => {
            service.source.send(CHANNEL, 1);
            return user.packets;
          })
          .toBeGreaterThan(0);
        edge.process.signal('SIGSTOP');
        // More than server and kernel keep for it.
        type Varz = { readonly slow_consumers: number };
        const slow = async () => (await nats.servers[0]?.ask<Varz>('/varz'))?.slow_consumers ?? 0;
        await service
          .eventually(() => {
            service.source.send(CHANNEL, 5_000);
            return slow();
          })
          .toBeGreaterThan(0);
        edge.process.signal('SIGCONT');
        await service.eventually(() => service.metric(edge, 'streaming_feed_gaps_total')).toBe(1);
        await service
          .eventually(() => {
            service.source.send(CHANNEL, 20);
            return service.source.newest(CHANNEL) - (user.lastSequence ?? 0);
          })
          .toBeLessThan(100);
        expect(user.gaps.length).toBeGreaterThan(0);
        expect((await service.status(edge)).usersTotal).toBe(1);
      } finally {
        await service.close();
        await nats.stop();
      }
    }, 120_000);
  },
);

/** Taken by the kernel for a user who breaks off before reading them: a run or two. */
const PACKETS_IN_FLIGHT = 100;

function sum(users: readonly { readonly packets: number }[]): number {
  return users.reduce((all, { packets }) => all + packets, 0);
}
