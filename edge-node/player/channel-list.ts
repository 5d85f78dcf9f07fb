import { element, say } from '../browser/elements.ts';
import { type Channel, listChannels } from './edge-api.ts';
import type { Viewer } from './viewer.ts';

const REFRESH_MS = 5_000;

/** The channels to pick from, asked for again and again as long as the viewer stays. */
export class ChannelList {
  readonly #list = element('channels', HTMLUListElement);
  readonly #note = element('channels-note', HTMLElement);
  readonly #viewer: Viewer;
  readonly #picked: (channel: Channel) => void;
  readonly #end = new AbortController();
  #shown = '';
  #current = '';

  constructor(viewer: Viewer, picked: (channel: Channel) => void) {
    this.#viewer = viewer;
    this.#picked = picked;
  }

  /**
   * Shows the channels, and goes on showing them as they come and go.
   *
   * @throws RefusedError or what fetch throws, where the first answer is none
   */
  async start(): Promise<readonly Channel[]> {
    const channels = await listChannels(this.#viewer, this.#end.signal);
    this.#show(channels);
    const timer = setInterval(() => void this.#refresh(), REFRESH_MS);
    this.#end.signal.addEventListener('abort', () => clearInterval(timer));
    return channels;
  }

  stop(): void {
    this.#end.abort();
    this.#list.replaceChildren();
  }

  /** Marks the channel that is picked. */
  mark(id: string): void {
    this.#current = id;
    for (const button of this.#list.querySelectorAll('button')) {
      button.setAttribute('aria-current', String(button.value === id));
    }
  }

  async #refresh(): Promise<void> {
    try {
      this.#show(await listChannels(this.#viewer, this.#end.signal));
    } catch {
      if (!this.#end.signal.aborted) say(this.#note, 'The list cannot be had right now.');
    }
  }

  #show(channels: readonly Channel[]): void {
    say(this.#note, channels.length === 0 ? 'No channel is on air yet.' : '');
    const shown = JSON.stringify(channels);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = document.activeElement;
    const before = focused instanceof HTMLButtonElement ? focused.value : '';
    this.#list.replaceChildren(...channels.map((channel) => this.#entry(channel)));
    this.mark(this.#current);
    const again = [...this.#list.querySelectorAll('button')].find(({ value }) => value === before);
    if (before !== '') again?.focus();
  }

  #entry(channel: Channel): HTMLLIElement {
    const name = document.createElement('span');
    name.className = 'name';
    name.append(channel.name);
    const detail = [channel.group, channel.name === channel.id ? '' : channel.id];
    const small = document.createElement('small');
    small.append(detail.filter((text) => text !== '').join(' · '));
    if (small.textContent !== '') name.append(small);
    const live = document.createElement('span');
    live.className = channel.live ? 'live' : 'off';
    live.append(channel.live ? 'Live' : 'Off air');
    const button = document.createElement('button');
    button.type = 'button';
    button.value = channel.id;
    button.append(name, ' ', live);
    button.addEventListener('click', () => this.#picked(channel));
    const entry = document.createElement('li');
    entry.append(button);
    return entry;
  }
}
