import { SOURCES_MAX } from '../../shared/limits.ts';
import type { FeedSink } from '../source/feed.ts';

type SlotSink = Pick<FeedSink, 'sourceConnected' | 'sourceLost'>;

interface Slot {
  relay: string | undefined;
  heardMs: number;
}

/**
 * The relays that can be heard, each in a slot of its own for as long: to the merge they are sources, by the slots'
 * numbers. Relays come and go under new names; where more are heard than there are slots, those beyond share the last.
 */
export class RelaySlots {
  readonly names = Array.from({ length: SOURCES_MAX }, (_, slot) => `relay ${slot + 1}`);
  readonly #slots: Slot[] = this.names.map(() => ({ relay: undefined, heardMs: 0 }));
  readonly #byRelay = new Map<string, number>();

  get heard(): number {
    return this.#byRelay.size;
  }

  /** Something has come from a relay. @returns its slot */
  of(relay: string, nowMs: number, sink: SlotSink): number {
    const number = this.#byRelay.get(relay) ?? this.#take(relay, sink);
    const slot = this.#slots[number];
    if (slot !== undefined) slot.heardMs = nowMs;
    return number;
  }

  /** Frees the slots of relays that were last heard before that; Infinity: of all. */
  free(beforeMs: number, sink: SlotSink): void {
    for (const [number, slot] of this.#slots.entries()) {
      if (slot.relay === undefined || slot.heardMs >= beforeMs) continue;
      slot.relay = undefined;
      for (const [relay, at] of this.#byRelay) if (at === number) this.#byRelay.delete(relay);
      sink.sourceLost(number);
    }
  }

  #take(relay: string, sink: SlotSink): number {
    const free = this.#slots.findIndex((slot) => slot.relay === undefined);
    const number = free < 0 ? this.#slots.length - 1 : free;
    const slot = this.#slots[number];
    if (slot !== undefined) slot.relay = relay;
    this.#byRelay.set(relay, number);
    if (free >= 0) sink.sourceConnected(number);
    return number;
  }
}
