import { element, say } from '../browser/elements.ts';
import { lackingCodecs } from './codecs.ts';
import type { Channel } from './edge-api.ts';
import { type Figures, Playback, type PlaybackState } from './playback.ts';
import type { ListedStream } from './transport-check.ts';
import type { Viewer } from './viewer.ts';

const SECONDS_OF_MINUTE = 60;

/** The picture, what is said over it, its controls and figures. */
export class Stage {
  readonly #video = element('video', HTMLVideoElement);
  readonly #status = element('status', HTMLElement);
  readonly #lacking = element('lacking', HTMLElement);
  readonly #play = element('play', HTMLButtonElement);
  readonly #mute = element('mute', HTMLButtonElement);
  readonly #volume = element('volume', HTMLInputElement);
  readonly #frame = element('stage', HTMLElement);
  readonly #figures = {
    latency: element('latency', HTMLElement),
    watched: element('watched', HTMLElement),
    gaps: element('gaps', HTMLElement),
    restarts: element('restarts', HTMLElement),
  };
  #playback: Playback | undefined;
  #wanted: { viewer: Viewer; channel: Channel } | undefined;

  constructor() {
    this.#play.addEventListener('click', () => this.#toggle());
    this.#mute.addEventListener('click', () => this.#toggleMute());
    this.#volume.addEventListener('input', () => {
      this.#video.volume = this.#volume.valueAsNumber / 100;
      this.#video.muted = this.#video.volume === 0;
    });
    this.#video.addEventListener('volumechange', () => this.#showVolume());
    const full = element('full', HTMLButtonElement);
    full.addEventListener('click', () => void this.#toggleFullScreen());
    document.addEventListener('fullscreenchange', () => {
      say(full, document.fullscreenElement === null ? 'Full screen' : 'Leave full screen');
    });
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  show(viewer: Viewer, channel: Channel): void {
    this.stop();
    this.#wanted = { viewer, channel };
    this.#start();
  }

  /** Leaves the channel: what is not shown is not taken, and not counted. */
  stop(): void {
    this.#playback?.stop();
    this.#playback = undefined;
    say(this.#play, 'Play');
    say(this.#lacking, '');
    say(this.#status, this.#wanted === undefined ? 'Pick a channel' : 'Stopped');
  }

  /** Nobody watches any more. */
  clear(): void {
    this.#wanted = undefined;
    this.stop();
    this.#play.disabled = true;
  }

  #start(): void {
    if (this.#wanted === undefined) return;
    const { viewer, channel } = this.#wanted;
    this.#play.disabled = false;
    say(this.#play, 'Stop');
    this.#playback = new Playback({
      video: this.#video,
      viewer,
      channel: channel.id,
      changed: (state) => this.#showState(state, channel),
      ticked: (figures, streams) => this.#showFigures(figures, streams),
    });
  }

  #toggle(): void {
    if (this.#playback === undefined) this.#start();
    else this.stop();
  }

  #toggleMute(): void {
    this.#video.muted = !this.#video.muted;
    if (!this.#video.muted && this.#video.volume === 0) this.#video.volume = 1;
  }

  async #toggleFullScreen(): Promise<void> {
    // A browser that does not let an element fill the screen, as on some phones, leaves it as it is.
    if (document.fullscreenElement !== null) await document.exitFullscreen();
    else await this.#frame.requestFullscreen?.().catch(() => undefined);
  }

  #key(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== 'range';
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (this.#wanted === undefined) return;
    if (key === 'k') this.#toggle();
    else if (key === 'm') this.#toggleMute();
    else if (key === 'f') void this.#toggleFullScreen();
  }

  #showVolume(): void {
    const { muted, volume } = this.#video;
    this.#mute.setAttribute('aria-pressed', String(muted));
    this.#volume.value = String(muted ? 0 : Math.round(volume * 100));
  }

  #showState(state: PlaybackState, channel: Channel): void {
    const isOver = state.kind === 'refused' || state.kind === 'needs_gesture';
    if (isOver) {
      this.#playback = undefined;
      say(this.#play, 'Play');
    }
    say(this.#status, sentence(state, channel));
  }

  #showFigures(figures: Figures, streams: readonly ListedStream[]): void {
    const { latency, watched, gaps, restarts } = this.#figures;
    const seconds = figures.latencySeconds;
    say(latency, seconds === undefined ? '–' : `${seconds.toFixed(1)} s`);
    say(watched, clock(figures.watchedSeconds));
    say(gaps, String(figures.gaps));
    say(restarts, String(figures.restarts));
    if (streams.length === 0) return;
    say(
      this.#lacking,
      lackingCodecs(streams, (mime) => MediaSource.isTypeSupported(mime)),
    );
  }
}

function sentence(state: PlaybackState, { name }: Channel): string {
  switch (state.kind) {
    case 'connecting':
      return `Connecting to ${name}…`;
    case 'playing':
      return '';
    case 'waiting':
      return `${name} sends nothing right now. It goes on by itself.`;
    case 'needs_gesture':
      return 'Press Play to watch.';
    case 'reconnecting':
      return `${state.why}. Connecting again…`;
    case 'refused':
      return `This channel cannot be watched: ${state.why}`;
  }
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / SECONDS_OF_MINUTE);
  return `${minutes}:${String(whole % SECONDS_OF_MINUTE).padStart(2, '0')}`;
}
