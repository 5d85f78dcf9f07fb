/** Upper bounds of the buckets of a histogram of delays; what is longer than the last falls into one without a bound. */
const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const;

/** Delays counted by their length: cheap enough for every write. */
export class DelayHistogram {
  static readonly BOUNDS_MS: readonly number[] = BOUNDS_MS;
  readonly #counts = new Float64Array(BOUNDS_MS.length + 1);
  #sumMs = 0;

  add(delayMs: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && delayMs > (BOUNDS_MS[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += delayMs;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** Delays of each bucket, the one without a bound last. */
  get counts(): readonly number[] {
    return [...this.#counts];
  }
}
