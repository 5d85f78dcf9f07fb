import { setTimeout as sleep } from 'node:timers/promises';
import { NatsServers } from '../../local/nats/nats-servers.ts';
import type { TestProcess } from './test-process.ts';
import { type TestEdge, TestService } from './test-service.ts';
import { TestUser } from './test-user.ts';

export const CHANNELS = ['zato01', 'zato02', 'zato03'] as const;
const PACKETS_PER_SECOND = 50;
/** How often growing rows are written. */
export const FLUSH_MS = 500;
/** Whoever is cut off tries the next edge node so long after. */
const RECONNECT_MS = 100;

/** Something of a fleet that can be killed, and comes back. */
export interface Victim {
  readonly kind: 'nats' | 'relay' | 'edge node';
  readonly name: string;
  kill(): Promise<void>;
  revive(): Promise<void>;
}

/** A viewer who, whenever the connection breaks, goes to the next edge node. */
export class FleetUser {
  readonly id: string;
  readonly channel: string;
  readonly sessions: { readonly user: TestUser; readonly edge: TestEdge }[] = [];
  #isLeaving = false;
  readonly left: Promise<void>;

  constructor(
    id: string,
    channel: string,
    edges: readonly (TestEdge | undefined)[],
    first: number,
  ) {
    this.id = id;
    this.channel = channel;
    this.left = this.#watch(edges, first);
  }

  get packets(): number {
    return this.sessions.reduce((sum, { user }) => sum + user.packets, 0);
  }

  get newest(): TestUser | undefined {
    return this.sessions.at(-1)?.user;
  }

  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.newest?.leave();
    await this.left;
  }

  async #watch(edges: readonly (TestEdge | undefined)[], first: number): Promise<void> {
    for (let at = first; !this.#isLeaving; at += 1) {
      const edge = edges[at % edges.length];
      if (edge === undefined) continue;
      const user = new TestUser(this.id, this.channel, edge.usersPort);
      this.sessions.push({ user, edge });
      await user.closed;
      await sleep(RECONNECT_MS);
    }
  }
}

/** Three edge nodes, two relays and a cluster of three NATS servers, as processes of their own, with viewers. */
export class Fleet {
  readonly service: TestService;
  readonly edges: (TestEdge | undefined)[];
  readonly users: readonly FleetUser[];
  readonly victims: readonly Victim[];

  private constructor(
    service: TestService,
    edges: (TestEdge | undefined)[],
    users: readonly FleetUser[],
    victims: readonly Victim[],
  ) {
    this.service = service;
    this.edges = edges;
    this.users = users;
    this.victims = victims;
  }

  static async start(program: string, users: number): Promise<Fleet & AsyncDisposable> {
    const nats = await NatsServers.start(program, 3);
    const service = await TestService.start({
      USAGE_FLUSH_MS: String(FLUSH_MS),
      NATS_URL: nats.urls,
      SOURCE_SILENCE_MS: '0',
    });
    const victims: Victim[] = nats.servers.map((server, i) => ({
      kind: 'nats',
      name: `NATS server ${i}`,
      kill: () => server.end('SIGKILL'),
      revive: () => server.start(),
    }));
    const relays: TestProcess[] = [];
    for (let i = 0; i < 2; i += 1) {
      relays[i] = await service.startRelay();
      victims.push({
        kind: 'relay',
        name: `relay ${i}`,
        kill: async () => void (await relays[i]?.end('SIGKILL')),
        revive: async () => {
          relays[i] = await service.startRelay();
        },
      });
    }
    const edges: (TestEdge | undefined)[] = [];
    for (let i = 0; i < 3; i += 1) {
      edges[i] = await service.startFleetEdge();
      victims.push({
        kind: 'edge node',
        name: `edge node ${i}`,
        kill: async () => {
          const edge = edges[i];
          edges[i] = undefined;
          await edge?.process.end('SIGKILL');
        },
        revive: async () => {
          edges[i] = await service.startFleetEdge();
        },
      });
    }
    for (const channel of CHANNELS) service.source.play(channel, PACKETS_PER_SECOND);
    const ids = Array.from({ length: users }, (_, i) => `user-${i}`);
    await service.register(...ids);
    const watching = ids.map(
      (id, i) => new FleetUser(id, CHANNELS[i % CHANNELS.length] ?? 'zato01', edges, i % 4),
    );
    const fleet = new Fleet(service, edges, watching, victims);
    await fleet.allWatch();
    return Object.assign(fleet, {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(watching.map((user) => user.leave()));
        await service.close();
        await nats.stop();
      },
    });
  }

  /** Waits until every user is sent packets in its newest session. */
  async allWatch(): Promise<void> {
    const before = this.users.map(({ packets }) => packets);
    await this.service
      .eventually(
        () => this.users.filter(({ packets }, i) => packets < (before[i] ?? 0) + 20).length,
      )
      .toBe(0);
  }
}
