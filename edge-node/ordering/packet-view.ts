const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * A packet on its way from the source into a channel's log. Its payload is `bytes[start, end)`.
 *
 * One view is filled anew for every packet that is decoded, so whoever is given it may look at it during the call only.
 * To keep a packet for longer, take its copy by `kept()`, which nobody fills again.
 */
export class PacketView {
  /** The sequence's halves (edge-node/ordering/sequence.ts). */
  high = 0;
  low = 0;
  bytes: Buffer = NO_BYTES;
  start = 0;
  end = 0;
  arrivedMs = 0;
  /** The number of the source that brought it, where there are several. */
  source = 0;
  /** Nobody fills it again. */
  isKept = false;
  // Links in the order of arrival, which belong to an AgeList.
  older: PacketView | undefined = undefined;
  newer: PacketView | undefined = undefined;

  get payloadBytes(): number {
    return this.end - this.start;
  }

  /** This packet, to be kept: a copy, or itself where it is one already. */
  kept(): PacketView {
    if (this.isKept) return this;
    const copy = new PacketView();
    copy.high = this.high;
    copy.low = this.low;
    copy.bytes = Buffer.allocUnsafe(this.payloadBytes);
    copy.end = this.bytes.copy(copy.bytes, 0, this.start, this.end);
    copy.arrivedMs = this.arrivedMs;
    copy.source = this.source;
    copy.isKept = true;
    return copy;
  }
}
