/** What one source has brought to the merge, over all channels. */
export interface SourceCounts {
  /** Packets that no other source brought. */
  only: number;
  /** Packets that another source had brought before. */
  duplicates: number;
  /** Packets left out, since their sequences are not those of the source in use. */
  disagreeing: number;
}

/** The sources that are merged, by their numbers: what all channels know of them. */
export class MergedSources {
  readonly names: readonly string[];
  readonly counts: readonly SourceCounts[];
  readonly #connected = new Set<number>();

  /** By their numbers; undefined where there are not several. */
  static of(names: readonly string[] = []): MergedSources | undefined {
    return names.length > 1 ? new MergedSources(names) : undefined;
  }

  private constructor(names: readonly string[]) {
    this.names = names;
    this.counts = names.map(() => ({ only: 0, duplicates: 0, disagreeing: 0 }));
  }

  isConnected(source: number): boolean {
    return this.#connected.has(source);
  }

  connected(source: number): void {
    this.#connected.add(source);
  }

  lost(source: number): void {
    this.#connected.delete(source);
  }
}
