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

  /** How many have a slot. */
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
      this.#byRelay.delete(slot.relay);
      slot.relay = undefined;
      sink.sourceLost(number);
    }
  }

  #take(relay: string, sink: SlotSink): number {
    const number = this.#slots.findIndex((slot) => slot.relay === undefined);
    const slot = this.#slots[number];
    if (slot === undefined) return this.#slots.length - 1;
    slot.relay = relay;
    this.#byRelay.set(relay, number);
    sink.sourceConnected(number);
    return number;
  }
}
