import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, reasonOf } from '../../shared/errors.ts';
import { CHANNELS_FILE_MAX_BYTES, CHANNELS_FILE_POLL_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import { type ChannelList, readChannelList } from './channel-list.ts';

/** A list of channels on disk, read anew when it has changed. */
export class ChannelsFile {
  readonly path: string;
  readonly #groups: readonly string[];
  #version = '';
  #poll: NodeJS.Timeout | undefined;

  /** @param name of the file, with `?group=…` for some of its channels only */
  constructor(name: string) {
    const [path = '', query = ''] = name.split(/\?(.*)/s, 2);
    this.path = path;
    this.#groups = new URLSearchParams(query).getAll('group');
  }

  /** @throws ConfigError that names the file */
  async read(): Promise<ChannelList> {
    try {
      this.#version = await this.#currentVersion();
      const text = await readFile(this.path, 'utf8');
      return readChannelList({ text, folder: dirname(this.path), groups: this.#groups });
    } catch (cause) {
      throw new ConfigError(`${this.path}: ${reasonOf(cause)}`, { cause });
    }
  }

  /**
   * The list anew, if the file is another one than at the last reading.
   * @throws ConfigError that names the file, once for each of its versions
   */
  async readIfChanged(): Promise<ChannelList | undefined> {
    const version = await this.#currentVersion().catch(() => this.#version); // gone for a moment
    return version === this.#version ? undefined : this.read();
  }

  /** Looks again and again whether it has changed since it was read, until `stop`. What cannot be read changes nothing. */
  follow(changed: (list: ChannelList) => void, limiter: LogLimiter): void {
    const readAgain = async () => {
      try {
        const list = await this.readIfChanged();
        if (list !== undefined && this.#poll !== undefined) changed(list);
      } catch (err) {
        if (!(err instanceof ConfigError)) throw err;
        limiter.error('cannot read the channel list; the last good one is kept', { err });
      }
    };
    this.#poll = setInterval(() => void readAgain(), CHANNELS_FILE_POLL_MS);
  }

  stop(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  async #currentVersion(): Promise<string> {
    const { ino, mtimeMs, size } = await stat(this.path);
    if (size > CHANNELS_FILE_MAX_BYTES) {
      throw new ConfigError(
        `the list has ${size} bytes; at most ${CHANNELS_FILE_MAX_BYTES} are read`,
      );
    }
    return `${ino} ${mtimeMs} ${size}`;
  }
}
