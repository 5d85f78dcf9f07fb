/** How long a file rests whose rows were refused, or that cannot be used yet; doubled each time. */
const REST_MIN_MS = 30_000;
const REST_MAX_MS = 960_000;

interface WaitingFile {
  /** Since when its rows wait for the store. */
  readonly sinceMs: number;
  /** Since when this process knows of them. */
  readonly foundMs: number;
  readonly deferrals: number;
  readonly failures: number;
  readonly dueMs: number;
}

/** The spool files that are this process's to read: since when they wait, and when. Times are monotonic milliseconds. */
export class WaitingFiles {
  readonly #files = new Map<string, WaitingFile>();

  get oldestSinceMs(): number | undefined {
    let oldest: number | undefined;
    for (const { sinceMs } of this.#files.values()) oldest = Math.min(oldest ?? sinceMs, sinceMs);
    return oldest;
  }

  knows(name: string): boolean {
    return this.#files.has(name);
  }

  has(isWanted: (name: string) => boolean): boolean {
    for (const name of this.#files.keys()) if (isWanted(name)) return true;
    return false;
  }

  /** @param sinceMs since when its rows wait, as far as is known */
  add(name: string, sinceMs: number, nowMs: number): void {
    this.#files.set(name, { sinceMs, foundMs: nowMs, deferrals: 0, failures: 0, dueMs: sinceMs });
  }

  /** How long this process has known of the file, by no clock that can be set. */
  knownForMs(name: string, nowMs: number): number {
    return nowMs - (this.#files.get(name)?.foundMs ?? nowMs);
  }

  /** Forgets all but these: the others are stored, or somebody else's. */
  keep(names: readonly string[]): void {
    const kept = new Set(names);
    for (const name of this.#files.keys()) if (!kept.has(name)) this.#files.delete(name);
  }

  forget(name: string): void {
    this.#files.delete(name);
  }

  rename(from: string, to: string): void {
    const file = this.#files.get(from);
    this.#files.delete(from);
    if (file) this.#files.set(to, file);
  }

  /** The file rests, longer each time. */
  defer(name: string, nowMs: number): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    const { deferrals } = file;
    const dueMs = nowMs + Math.min(REST_MIN_MS * 2 ** deferrals, REST_MAX_MS);
    this.#files.set(name, { ...file, deferrals: deferrals + 1, dueMs });
  }

  /** A save of its rows failed, perhaps because of this very file: in the next pass the others come first. */
  failed(name: string): void {
    const file = this.#files.get(name);
    if (file) this.#files.set(name, { ...file, failures: file.failures + 1 });
  }

  /** What may be read now: first what never failed, then the oldest. */
  due(nowMs: number): string[] {
    return [...this.#files]
      .filter(([, { dueMs }]) => dueMs <= nowMs)
      .sort(([, a], [, b]) => troubles(a) - troubles(b) || a.sinceMs - b.sinceMs)
      .map(([name]) => name);
  }
}

function troubles({ deferrals, failures }: WaitingFile): number {
  return deferrals + failures;
}
