/** Items by a key that several share. A key without items takes no memory. */
export class Groups<K, T> {
  readonly #byKey = new Map<K, Set<T>>();

  add(key: K, item: T): void {
    const group = this.#byKey.get(key);
    if (group === undefined) this.#byKey.set(key, new Set([item]));
    else group.add(item);
  }

  delete(key: K, item: T): void {
    const group = this.#byKey.get(key);
    if (group?.delete(item) && group.size === 0) this.#byKey.delete(key);
  }

  /** In the order in which they were added. */
  of(key: K): ReadonlySet<T> {
    return this.#byKey.get(key) ?? NONE;
  }
}

const NONE: ReadonlySet<never> = new Set();
