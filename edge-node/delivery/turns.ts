import type { Channel, Watcher } from '../channels/channel.ts';

/**
 * Deals out the turns of the event loop: after the sockets were polled, every watcher of a channel whose runs have
 * closed advances, then everyone who is behind. Nobody has more than one write a turn, so a user who catches up holds
 * up nobody.
 */
export class Turns {
  #channels = new Set<Channel>();
  #behind: Watcher[] = [];
  #turn: NodeJS.Immediate | undefined;

  runsClosed(channel: Channel): void {
    this.#channels.add(channel);
    this.#turn ??= setImmediate(() => this.#deliver());
  }

  behind(watcher: Watcher): void {
    this.#behind.push(watcher);
    this.#turn ??= setImmediate(() => this.#deliver());
  }

  stop(): void {
    clearImmediate(this.#turn);
  }

  #deliver(): void {
    this.#turn = undefined;
    const channels = this.#channels;
    const behind = this.#behind;
    if (channels.size > 0) this.#channels = new Set();
    if (behind.length > 0) this.#behind = [];
    for (const { watchers } of channels) for (const watcher of watchers) watcher.advance();
    for (const watcher of behind) watcher.advance();
  }
}
