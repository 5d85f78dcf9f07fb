/**
 * How runs are cut now: as set while the node is idle, larger and later by one factor as it gets busy. The channel
 * directory moves them; logs and timers look at them anew each time.
 */
export class RunLimits {
  readonly #idlePackets: number;
  readonly #idleLingerMs: number;
  #packets: number;
  #lingerMs: number;

  constructor(idlePackets: number, idleLingerMs: number) {
    this.#idlePackets = idlePackets;
    this.#idleLingerMs = idleLingerMs;
    this.#packets = idlePackets;
    this.#lingerMs = idleLingerMs;
  }

  get packets(): number {
    return this.#packets;
  }

  get lingerMs(): number {
    return this.#lingerMs;
  }

  setLoad(factor: number): void {
    this.#packets = Math.round(this.#idlePackets * factor);
    this.#lingerMs = this.#idleLingerMs * factor;
  }
}
