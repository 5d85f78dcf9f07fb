import { pino } from 'pino';
import { type Clock, systemClock } from '../../../shared/clock.ts';
import { loadConfig } from '../../../shared/config.ts';
import type { ChannelId, UserId, WriterId } from '../../../shared/ids.ts';
import type { Store } from '../../../shared/store/store.ts';
import { newWriterId, UsageMeter, type UsageTally } from '../meter.ts';
import type { SpoolFolder } from '../spool/spool-folder.ts';
import { UsageWriter } from '../writer.ts';

export const PACKET_MS = 20;

interface EdgeParts {
  readonly store: Store;
  readonly folder: SpoolFolder;
  readonly settings?: Record<string, string>;
  readonly clock?: Clock;
}

/** The accounting side of one edge-node process, under the timers of the test. */
export class Edge {
  readonly meter: UsageMeter;
  readonly writer: UsageWriter;
  /** Messages of its log, in order. */
  readonly log: string[] = [];
  /** All that it has counted under. */
  readonly writerIds: WriterId[] = [];
  readonly #killed: { isDead: boolean };

  constructor(parts: EdgeParts) {
    const { clock = systemClock() } = parts;
    const death = { isDead: false };
    this.#killed = death;
    const write = (line: string) => this.log.push((JSON.parse(line) as { msg: string }).msg);
    const config = loadConfig(parts.settings ?? {});
    const newId = () => {
      const id = newWriterId();
      this.writerIds.push(id);
      return id;
    };
    this.meter = new UsageMeter({ clock, packetDurationMs: PACKET_MS, newWriterId: newId });
    this.writer = new UsageWriter({
      store: mortal(parts.store, death),
      folder: mortal(parts.folder, death),
      meter: this.meter,
      flushMs: config.USAGE_FLUSH_MS,
      maxPendingRows: config.USAGE_MAX_PENDING_ROWS,
      logger: pino({}, { write }),
      clock,
    });
  }

  open(user: string, channel = 'zato01'): UsageTally {
    return this.meter.open(user as UserId, channel as ChannelId);
  }

  /** SIGKILL: nothing that it does from now on has an effect, and nothing under way comes back to it. */
  kill(): void {
    this.#killed.isDead = true;
  }
}

/** Passes calls on while the process lives; a dead one's never begin, and never come back. */
function mortal<T extends object>(target: T, death: { readonly isDead: boolean }): T {
  const never = () => new Promise<never>(() => {});
  return new Proxy(target, {
    get(of, name) {
      const member: unknown = Reflect.get(of, name, of);
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]) => {
        if (death.isDead) return never();
        const result: unknown = await member.apply(of, given);
        return death.isDead ? never() : result;
      };
    },
  });
}
