/** What can lie in an AgeList, to which the links belong. */
interface Aged<T> {
  older: T | undefined;
  newer: T | undefined;
}

/** Items in the order in which they were added, so that the oldest is known and any can leave: a doubly linked list. */
export class AgeList<T extends Aged<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  add(item: T): void {
    item.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
  }

  /** The item must be in the list. */
  remove(item: T): void {
    if (item.older === undefined) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === undefined) this.#newest = item.older;
    else item.newer.older = item.older;
    item.older = undefined;
    item.newer = undefined;
  }
}
