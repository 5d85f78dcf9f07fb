import mpegts from 'mpegts.js';
import { isFinal, RefusedError } from '../browser/refusal.ts';
import { openStream } from './edge-api.ts';
import { streamLoader } from './stream-loader.ts';
import { type ListedStream, TransportCheck } from './transport-check.ts';
import type { Viewer } from './viewer.ts';
import { Watchdog } from './watchdog.ts';

export type PlaybackState =
  | { readonly kind: 'connecting' | 'playing' | 'waiting' | 'needs_gesture' }
  | { readonly kind: 'reconnecting'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string };

/** What a viewer sees beside the picture. */
export interface Figures {
  /** From the picture to the newest that has come. */
  readonly latencySeconds: number | undefined;
  readonly watchedSeconds: number;
  readonly gaps: number;
  readonly restarts: number;
}

interface PlaybackParts {
  readonly video: HTMLVideoElement;
  readonly viewer: Viewer;
  readonly channel: string;
  readonly changed: (state: PlaybackState) => void;
  readonly ticked: (figures: Figures, streams: readonly ListedStream[]) => void;
}

const TICK_MS = 250;
/** More than a tick can show: the position was set. */
const JUMP_SECONDS = 2;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 8_000;
/** What has played so long was good: the next trouble is a new one. */
const GOOD_AFTER_MS = 10_000;
/** mpegts.js catches up beyond the first, down to the second. */
const MAX_LATENCY_SECONDS = 4;
const TARGET_LATENCY_SECONDS = 1.5;
const CATCH_UP_RATE = 1.1;
const KEPT_SECONDS = { max: 30, min: 10 };

/** Plays one channel until it is stopped: when the stream ends, breaks off or freezes, with a new player. */
export class Playback {
  readonly #parts: PlaybackParts;
  readonly #ticks: number;
  #player: ReturnType<typeof mpegts.createPlayer> | undefined;
  #check = new TransportCheck();
  #watchdog = new Watchdog();
  #bytes = 0;
  #retry = 0;
  #retries = 0;
  #startedMs = 0;
  #position = 0;
  #watchedSeconds = 0;
  #earlierGaps = 0;
  #restarts = 0;
  #state: PlaybackState | undefined;

  constructor(parts: PlaybackParts) {
    this.#parts = parts;
    this.#ticks = window.setInterval(() => this.#tick(), TICK_MS);
    this.#start();
  }

  stop(): void {
    clearInterval(this.#ticks);
    this.#drop()?.destroy();
  }

  /** Nothing is taken, and nothing counted, that the browser does not let be shown before a click or a key. */
  async #play(): Promise<void> {
    try {
      await this.#parts.video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      this.stop();
      this.#become({ kind: 'needs_gesture' });
    }
  }

  #start(): void {
    const { video, viewer, channel } = this.#parts;
    this.#become({ kind: 'connecting' });
    this.#check = new TransportCheck();
    this.#watchdog = new Watchdog();
    this.#startedMs = performance.now();
    const loader = streamLoader({
      open: (signal) => openStream(viewer, channel, signal),
      arrived: (chunk) => {
        this.#bytes += chunk.length;
        this.#check.push(chunk);
      },
      ended: (error) => this.#ended(error),
    });
    const player = mpegts.createPlayer(
      { type: 'mpegts', isLive: true, url: '/' },
      {
        customLoader: loader,
        enableStashBuffer: false,
        deferLoadAfterSourceOpen: false,
        lazyLoad: false,
        liveSync: true,
        liveSyncMaxLatency: MAX_LATENCY_SECONDS,
        liveSyncTargetLatency: TARGET_LATENCY_SECONDS,
        liveSyncPlaybackRate: CATCH_UP_RATE,
        autoCleanupSourceBuffer: true,
        autoCleanupMaxBackwardDuration: KEPT_SECONDS.max,
        autoCleanupMinBackwardDuration: KEPT_SECONDS.min,
      },
    );
    player.on(mpegts.Events.ERROR, () => this.#startLater('The picture could not be decoded'));
    player.attachMediaElement(video);
    player.load();
    this.#player = player;
    void this.#play();
  }

  /** Lets go of the player, and returns it to be destroyed. */
  #drop(): ReturnType<typeof mpegts.createPlayer> | undefined {
    clearTimeout(this.#retry);
    this.#earlierGaps += this.#check.gaps;
    this.#check = new TransportCheck();
    const player = this.#player;
    this.#player = undefined;
    return player;
  }

  #ended(error: unknown): void {
    if (error instanceof RefusedError && isFinal(error)) {
      this.stop();
      this.#become({ kind: 'refused', why: error.message });
      return;
    }
    this.#startLater(error instanceof RefusedError ? error.message : 'The connection was lost');
  }

  #startLater(why: string): void {
    const player = this.#drop();
    if (player === undefined) return;
    // An error of mpegts.js comes out of the player itself, which may not be taken down meanwhile.
    queueMicrotask(() => player.destroy());
    if (performance.now() - this.#startedMs > GOOD_AFTER_MS) this.#retries = 0;
    const mostMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#retries);
    this.#retries += 1;
    this.#restarts += 1;
    this.#become({ kind: 'reconnecting', why });
    // Many viewers lose one edge node at the same time, and should not come back at the same time.
    this.#retry = window.setTimeout(() => this.#start(), mostMs * (0.5 + Math.random() / 2));
  }

  #tick(): void {
    const { video, ticked } = this.#parts;
    const position = video.currentTime;
    const moved = position - this.#position;
    if (moved > 0 && moved < JUMP_SECONDS) this.#watchedSeconds += moved;
    this.#position = position;
    if (this.#player !== undefined) this.#guard(position);
    const { buffered } = video;
    const newest = buffered.length > 0 ? buffered.end(buffered.length - 1) : undefined;
    ticked(
      {
        latencySeconds: newest === undefined ? undefined : Math.max(0, newest - position),
        watchedSeconds: this.#watchedSeconds,
        gaps: this.#earlierGaps + this.#check.gaps,
        restarts: this.#restarts,
      },
      this.#check.streams,
    );
  }

  #guard(position: number): void {
    const { video } = this.#parts;
    const resumesAt = startAfter(video.buffered, position);
    const nowMs = performance.now();
    const verdict = this.#watchdog.judge({ nowMs, position, bytes: this.#bytes, resumesAt });
    if (verdict.kind === 'plays') this.#become({ kind: 'playing' });
    else if (verdict.kind === 'jump') video.currentTime = verdict.to;
    else if (verdict.kind === 'frozen') this.#startLater('The picture stood still');
    else if (this.#state?.kind === 'playing') this.#become({ kind: 'waiting' });
  }

  #become(state: PlaybackState): void {
    if (this.#state?.kind === state.kind) return;
    this.#state = state;
    this.#parts.changed(state);
  }
}

/** Where the next piece begins, if the position stands in none. */
function startAfter(buffered: TimeRanges, position: number): number | undefined {
  const MARGIN_SECONDS = 0.1;
  for (let index = 0; index < buffered.length; index += 1) {
    const start = buffered.start(index);
    if (start > position) return start;
    if (buffered.end(index) > position + MARGIN_SECONDS) return undefined;
  }
  return undefined;
}
