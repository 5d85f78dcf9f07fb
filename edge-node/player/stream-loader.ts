import mpegts from 'mpegts.js';

/** Where a player's bytes come from, and who sees them first. */
export interface StreamParts {
  /** Opens the stream; what it throws goes to `ended`. */
  readonly open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  readonly arrived: (chunk: Uint8Array) => void;
  /** The stream is over, unless it was the player that gave it up. */
  readonly ended: (error: unknown) => void;
}

/** mpegts.js makes its loader itself, so it is given a class. It never asks for ranges of a live stream. */
export function streamLoader(parts: StreamParts): mpegts.CustomLoaderConstructor {
  return class StreamLoader extends mpegts.BaseLoader {
    readonly #abort = new AbortController();

    constructor() {
      super('live-stream');
    }

    override isWorking(): boolean {
      return !this.#abort.signal.aborted;
    }

    override open(): void {
      void this.#pump();
    }

    override abort(): void {
      this.#abort.abort();
    }

    override destroy(): void {
      this.abort();
      super.destroy();
    }

    async #pump(): Promise<void> {
      const { signal } = this.#abort;
      let taken = 0;
      let failure: unknown;
      try {
        const reader = (await parts.open(signal)).getReader();
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          if (signal.aborted) return;
          parts.arrived(part.value);
          const { buffer, byteOffset, byteLength } = part.value;
          const at = taken;
          taken += byteLength;
          this.onDataArrival(buffer.slice(byteOffset, byteOffset + byteLength), at, taken);
        }
      } catch (error) {
        failure = error;
      }
      if (!signal.aborted) parts.ended(failure);
    }
  };
}
