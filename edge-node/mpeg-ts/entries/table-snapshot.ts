import type { TablePackets } from './table-packets.ts';

const NOTHING = Buffer.alloc(0);

/** The packets of a stream's association table and of one program's map, as they were at one place in the stream. */
export class TableSnapshot {
  #map: TablePackets | undefined;
  #associationVersion = 0;
  #mapVersion = 0;
  #stride = 0;
  /** What was taken, in a buffer that is used again; and its copy, once somebody wanted one. */
  #space = NOTHING;
  #bytes = 0;
  #copy: Buffer | undefined = NOTHING;

  /** Takes them as they are now. Each packet is made to take `stride` bytes. */
  take(association: TablePackets, map: TablePackets, stride: number): void {
    if (
      map === this.#map &&
      association.version === this.#associationVersion &&
      map.version === this.#mapVersion &&
      stride === this.#stride
    ) {
      return;
    }
    this.#map = map;
    this.#associationVersion = association.version;
    this.#mapVersion = map.version;
    this.#stride = stride;
    this.#copy = undefined;
    const isWhole = association.packets > 0 && map.packets > 0;
    this.#bytes = isWhole ? (association.packets + map.packets) * stride : 0;
    if (!isWhole) return;
    if (this.#bytes > this.#space.length) this.#space = Buffer.alloc(this.#bytes);
    else this.#space.fill(0, 0, this.#bytes);
    association.copyTo(this.#space, 0, stride);
    map.copyTo(this.#space, association.packets * stride, stride);
  }

  /** A copy that nobody changes; empty where one of the tables had not come yet. */
  get packets(): Buffer {
    this.#copy ??= Buffer.from(this.#space.subarray(0, this.#bytes));
    return this.#copy;
  }
}
