import { vi } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { MINUTE_MS } from '../../../shared/limits.ts';
import { MemoryStore } from '../../../shared/testing/memory-store.ts';
import type { UsageTally } from '../meter.ts';
import { Edge } from './edge.ts';
import { MemoryFolder } from './memory-folder.ts';

/** A store, a spool folder and the edge nodes of a test that owns time. It begins at a full minute. */
export class Rig {
  readonly store = new MemoryStore();
  readonly folder = new MemoryFolder();

  constructor() {
    vi.useFakeTimers({ now: 29_000_000 * MINUTE_MS });
    this.store.latencyMs = 1;
  }

  /** Gives time back. */
  end(): void {
    vi.clearAllTimers();
    vi.useRealTimers();
  }

  async start(settings: Record<string, string> = {}, clock = systemClock()): Promise<Edge> {
    const edge = new Edge({ store: this.store, folder: this.folder, settings, clock });
    await edge.writer.start();
    return edge;
  }

  async stop(edge: Edge): Promise<void> {
    const stop = edge.writer.stop();
    await pass(60_000);
    await stop;
  }
}

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Each watches for `ms`, at a packet every 20 ms. Resolves with the milliseconds that each has counted. */
export async function watch(tallies: readonly UsageTally[], ms: number): Promise<number> {
  for (let at = 0; at < ms; at += 500) {
    for (const tally of tallies) tally.add(25);
    await pass(500);
  }
  return ms;
}

export const watchers = (edge: Edge, count: number) =>
  Array.from({ length: count }, (_, i) => edge.open(`user-${i}`));
