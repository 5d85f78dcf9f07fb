import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { UserId } from '../../shared/ids.ts';
import { CLOCK_STEP_PERSISTS_MS, MINUTE_MS, SPOOL_LEASE_MS } from '../../shared/limits.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import type { UsageTally } from './meter.ts';
import { Edge, PACKET_MS } from './testing/edge.ts';
import { MemoryFolder } from './testing/memory-folder.ts';

/**
 * Two edge nodes share a store and a spool folder. Users come, watch and leave; the store fails, hangs, is slow and
 * refuses some users' rows; the disk is full for a while; the wall clock is set, for good and for a moment; edge nodes
 * stop and are killed. At the end every life's rows must hold what it counted: all of it, or if it was killed all but
 * its last two intervals; and never more. With a full disk a kill may lose more, and a stop tells what it loses.
 */
const EDGES = 2;
const USERS = ['user-1', 'user-2', 'user-3'] as const;
const CHANNELS = ['zato01', 'zato02'] as const;
const FLUSH_MS = 5000;
const HOUR_MS = 60 * MINUTE_MS;
/** Rows of a clock that is further off may be too old for every /usage: that is another test's. */
const MAX_SHIFT_MS = 10 * HOUR_MS;

const edge = fc.nat(EDGES - 1);
const user = fc.constantFrom(...USERS);
const session = { edge, user, channel: fc.constantFrom(...CHANNELS) };
const event = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('time'), seconds: fc.nat(30) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('come'), ...session }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave'), ...session }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('store'),
      mode: fc.constantFrom('up', 'failing', 'hanging'),
      latencyMs: fc.constantFrom(1, 300, 6000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('refuse'),
      users: fc.constantFrom<readonly string[]>([], ['user-1'], ['user-1', 'user-2']),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('disk'), isWritable: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('set clock'),
      byMs: fc.constantFrom(-2 * HOUR_MS, -MINUTE_MS, -20_000, 700, 90_000, 2 * HOUR_MS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('jerk clock'),
      byMs: fc.constantFrom(-25 * HOUR_MS, -MINUTE_MS, HOUR_MS, 25 * HOUR_MS),
      seconds: fc.integer({ min: 1, max: CLOCK_STEP_PERSISTS_MS / 1000 - 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop'), edge }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill'), edge }) },
);
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** One process and all that it has counted, with the times. */
class Life {
  readonly edge: Edge;
  readonly sessions: {
    readonly user: string;
    readonly channel: string;
    readonly tally: UsageTally;
  }[] = [];
  readonly counted: { readonly user: string; readonly atMs: number; readonly ms: number }[] = [];
  killedAtMs = Number.POSITIVE_INFINITY;
  hasMetFullDisk = false;

  constructor(edge: Edge) {
    this.edge = edge;
  }

  come(user: string, channel: string): void {
    this.sessions.push({ user, channel, tally: this.edge.open(user, channel) });
  }

  leave(user: string, channel: string): void {
    const index = this.sessions.findIndex((s) => s.user === user && s.channel === channel);
    if (index >= 0) this.sessions.splice(index, 1)[0]?.tally.close();
  }

  /** Every session takes some packets now. */
  deliver(packets: number): void {
    for (const { user, tally } of this.sessions) {
      tally.add(packets);
      this.counted.push({ user, atMs: performance.now(), ms: packets * PACKET_MS });
    }
  }

  countedMs(user: string, untilMs = Number.POSITIVE_INFINITY): number {
    return this.counted
      .filter((each) => each.user === user && each.atMs <= untilMs)
      .reduce((sum, each) => sum + each.ms, 0);
  }
}

class World {
  readonly store = new MemoryStore();
  readonly folder = new MemoryFolder();
  readonly past: Life[] = [];
  readonly lives: Life[] = [];
  #shiftMs = 0;

  async begin(index: number): Promise<void> {
    const settings = { USAGE_FLUSH_MS: String(FLUSH_MS) };
    const life = new Life(new Edge({ store: this.store, folder: this.folder, settings }));
    await life.edge.writer.start();
    this.lives[index] = life;
    this.past.push(life);
    this.#noteDisk();
  }

  #noteDisk(): void {
    if (!this.folder.isWritable) for (const life of this.lives) life.hasMetFullDisk = true;
  }

  async happen(event: Event): Promise<void> {
    if (event.kind === 'store') {
      this.store.mode = event.mode as MemoryStore['mode'];
      this.store.latencyMs = event.latencyMs;
      return;
    }
    if (event.kind === 'refuse') {
      this.store.refuses = (row) => event.users.includes(row.userId);
      return;
    }
    if (event.kind === 'disk') {
      this.folder.isWritable = event.isWritable;
      this.#noteDisk();
      return;
    }
    if (event.kind === 'time') return this.watch(event.seconds);
    if (event.kind === 'set clock') return this.setClock(event.byMs);
    if (event.kind === 'jerk clock') {
      this.setClock(event.byMs);
      await this.watch(event.seconds);
      this.setClock(-event.byMs);
      // Another jerk right now would be the same one, and longer.
      return this.watch(1);
    }
    const life = this.lives[event.edge]!;
    if (event.kind === 'come') return life.come(event.user, event.channel);
    if (event.kind === 'leave') return life.leave(event.user, event.channel);
    if (event.kind === 'kill') {
      life.edge.kill();
      life.killedAtMs = performance.now();
    } else {
      await this.stop(life);
    }
    await this.begin(event.edge);
  }

  async watch(seconds: number): Promise<void> {
    for (let quarter = 0; quarter < 4 * seconds; quarter += 1) {
      for (const life of this.lives) life.deliver(12 + (quarter % 2));
      await pass(250);
    }
  }

  setClock(byMs: number): void {
    if (Math.abs(byMs) < MAX_SHIFT_MS) {
      if (Math.abs(this.#shiftMs + byMs) > MAX_SHIFT_MS) return;
      this.#shiftMs += byMs;
    }
    vi.setSystemTime(Date.now() + byMs);
  }

  async stop(life: Life): Promise<void> {
    const stop = life.edge.writer.stop();
    await pass(30_000);
    await stop;
    life.edge.kill();
  }

  /** The store comes back, all stop, and a last life reads what they have left. */
  async end(): Promise<void> {
    for (const life of this.lives) await this.stop(life);
    this.folder.isWritable = true;
    this.store.mode = 'up';
    this.store.latencyMs = 1;
    this.store.refuses = () => false;
    await this.begin(0);
    await pass(3 * SPOOL_LEASE_MS);
  }

  storedMs({ edge }: Life, user: string): number {
    return this.store.rows
      .filter((row) => edge.writerIds.includes(row.writerId) && row.userId === (user as UserId))
      .reduce((sum, row) => sum + row.deliveredMs, 0);
  }
}

afterEach(() => {
  vi.useRealTimers();
});

test('whatever fails, stops and dies: nothing counts twice, and only a killed life loses, less than two intervals', async () => {
  const start = fc.integer({ min: 0, max: MINUTE_MS - 1 });
  await fc.assert(
    fc.asyncProperty(
      start,
      fc.array(event, { maxLength: 40, size: 'max' }),
      async (startMs, events) => {
        vi.useFakeTimers({ now: 29_000_000 * MINUTE_MS + startMs });
        const world = new World();
        for (let index = 0; index < EDGES; index += 1) await world.begin(index);
        for (const each of events) await world.happen(each);
        await world.end();
        for (const life of world.past) {
          const wasKilled = life.killedAtMs < Number.POSITIVE_INFINITY;
          const lost = life.edge.writer.stats.msLost;
          const sum = (each: (user: string) => number) =>
            USERS.map(each).reduce((total, ms) => total + ms);
          const storedOfAll = sum((user) => world.storedMs(life, user));
          const countedOfAll = sum((user) => life.countedMs(user));
          if (!wasKilled) expect(storedOfAll + lost).toBeGreaterThanOrEqual(countedOfAll);
          for (const user of USERS) {
            const stored = world.storedMs(life, user);
            expect(stored).toBeLessThanOrEqual(life.countedMs(user));
            if (life.hasMetFullDisk) continue;
            const safe = life.countedMs(user, life.killedAtMs - 2 * FLUSH_MS);
            expect(stored).toBeGreaterThanOrEqual(safe);
          }
        }
        expect([...world.folder.files.keys()]).toEqual([]);
        expect([...world.folder.leases.keys()]).toEqual([]);
        vi.clearAllTimers();
      },
    ),
    { numRuns: 60 },
  );
}, 240_000);
