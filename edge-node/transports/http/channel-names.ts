import type { ChannelId } from '../../../shared/ids.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import type { ChannelDefinition, ChannelList } from '../../channel-lists/channel-list.ts';
import { ChannelsFile } from '../../channel-lists/channels-file.ts';
import type { ListedChannel } from './playlist.ts';

/** What channels are called: by the channels file, read anew when it changes, else by their ids. */
export class ChannelNames {
  readonly #file: ChannelsFile | undefined;
  readonly #limiter: LogLimiter;
  #named = new Map<ChannelId, ChannelDefinition>();

  /** @param path of the channels file; empty for none */
  constructor(path: string, limiter: LogLimiter) {
    this.#file = path === '' ? undefined : new ChannelsFile(path);
    this.#limiter = limiter;
  }

  /** @throws ConfigError where there is a file and it cannot be read */
  async start(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#take(await file.read());
    file.follow((list) => this.#take(list), this.#limiter);
  }

  stop(): void {
    this.#file?.stop();
  }

  /** The channels of the file in its order, then the others that there are, by id. */
  list(present: Iterable<ChannelId>): ListedChannel[] {
    const unnamed = [...present].filter((id) => !this.#named.has(id)).sort();
    return [
      ...this.#named.values(),
      ...unnamed.map((id) => ({ id, name: id, group: '', logo: '' })),
    ];
  }

  #take({ channels, problems }: ChannelList): void {
    this.#named = new Map(channels.map((channel) => [channel.id, channel]));
    for (const problem of problems) {
      this.#limiter.warn('channel list: entry ignored', { problem }, problem);
    }
  }
}
