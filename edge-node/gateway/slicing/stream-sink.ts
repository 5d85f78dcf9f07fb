/**
 * Takes one transport stream, in order. `bytes[start, end)` are whole TS packets, valid during the call only. A PCR of
 * the program's clock is told right before the bytes that begin with its packet.
 */
export interface StreamSink {
  bytes(bytes: Buffer, start: number, end: number, nowMs: number): void;
  /** @param ticks of 27 MHz, modulo 300 · 2^33 */
  pcr(ticks: number, nowMs: number): void;
  /** Bytes are missing between what came and what comes. */
  loss(): void;
}
