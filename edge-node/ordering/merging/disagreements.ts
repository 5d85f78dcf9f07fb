import type { Logger } from '../../../shared/logger.ts';

const LOG_MS = 60_000;

/** Tells the log, once a minute, of sources that do not fit those they are merged with. */
export class Disagreements {
  readonly #names: readonly string[];
  readonly #logger: Logger;
  /** The channels that each source was left out of since the last lines. */
  readonly #channels: readonly Set<string>[];
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(names: readonly string[], logger: Logger) {
    this.#names = names;
    this.#logger = logger;
    this.#channels = names.map(() => new Set());
  }

  note(source: number, channel: string): void {
    this.#channels[source]?.add(channel);
  }

  /** Call it every second. */
  tell(nowMs: number): void {
    if (nowMs - this.#toldMs < LOG_MS) return;
    for (const [source, channels] of this.#channels.entries()) {
      if (channels.size === 0) continue;
      this.#toldMs = nowMs;
      const [channel] = channels;
      this.#logger.warn(
        { source: this.#names[source], channel, channels: channels.size },
        'source left out of the merge: its sequences are not those of the source in use. If they never are, set CHANNEL_SOURCE_MODE=failover',
      );
      channels.clear();
    }
  }
}
