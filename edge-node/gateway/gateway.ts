import type { AddressInfo } from 'node:net';
import { blaming } from '../../shared/bind.ts';
import type { Config } from '../../shared/config.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { type Logger, LogLimiter } from '../../shared/logger.ts';
import { UpstreamAdmin } from '../admin/upstream/upstream-admin.ts';
import type { ChannelDefinition, ChannelList } from '../channel-lists/channel-list.ts';
import type { ChannelsFile } from '../channel-lists/channels-file.ts';
import { createGatewayMetrics } from './admin/gateway-metrics.ts';
import { gatewayStatus } from './admin/gateway-status.ts';
import { GatewayChannel } from './channels/gateway-channel.ts';
import { FeedServer } from './feed/feed-server.ts';
import { ChildStarts } from './inputs/child-starts.ts';
import type { InputTools } from './inputs/open-input.ts';

const TICK_MS = 100;

interface GatewayParts {
  readonly config: Config;
  readonly logger: Logger;
  /** Channels of the command line: they play until the end. */
  readonly named: readonly ChannelDefinition[];
  /** Channels of a file: they come and go with it. */
  readonly file: ChannelsFile | undefined;
  readonly host: string;
  readonly port: number;
}

export interface GatewayAddresses {
  readonly feed: AddressInfo;
  readonly admin: AddressInfo;
}

/** Joins the parts of a gateway: channels with their inputs, the server that edge nodes connect to, and the operators'. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #limiter: LogLimiter;
  readonly #feed: FeedServer;
  readonly #admin: UpstreamAdmin;
  readonly #tools: InputTools;
  readonly #channels = new Map<ChannelId, GatewayChannel>();
  #ticks: NodeJS.Timeout | undefined;
  #isStopped = false;
  readonly #allEnded = Promise.withResolvers<void>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const { config, logger } = parts;
    this.#limiter = new LogLimiter(logger);
    this.#feed = new FeedServer({ logger, limiter: this.#limiter });
    this.#tools = {
      ffmpegPath: config.FFMPEG_PATH,
      children: new ChildStarts(),
      receiveBuffer: { wantedBytes: config.RECV_BUFFER, onCut: (bytes) => this.#tellCut(bytes) },
    };
    const { children } = this.#tools;
    const view = { channels: this.#channels, feed: this.#feed, children };
    this.#admin = new UpstreamAdmin({
      setting: 'GATEWAY_ADMIN_PORT',
      isReady: () => this.#feed.isListening,
      metrics: createGatewayMetrics(view),
      status: () => gatewayStatus(view),
      config,
      logger,
      limiter: this.#limiter,
    });
  }

  /** Resolves once every channel has been played to its end and no list can bring another. */
  get ended(): Promise<void> {
    return this.#allEnded.promise;
  }

  /** @throws ConfigError that names the list, or the settings of a port, that cannot be had */
  async start(): Promise<GatewayAddresses> {
    const { file, host, port } = this.#parts;
    const list = await file?.read();
    const admin = await this.#admin.listen();
    const feed = await this.#feed.listen(host, port).catch(blaming('GATEWAY_HOST, GATEWAY_PORT'));
    this.#setChannels(list ?? { channels: [], problems: [] });
    // Behind a poll: an input that a late loop has not read yet is not silent.
    this.#ticks = setInterval(() => setImmediate(() => this.#tick()), TICK_MS);
    file?.follow((changed) => this.#setChannels(changed), this.#limiter);
    return { feed, admin };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#ticks);
    this.#parts.file?.stop();
    for (const channel of this.#channels.values()) channel.stop();
    await this.#feed.close();
    await this.#admin.close();
    this.#limiter.flush();
  }

  #tick(): void {
    if (this.#isStopped) return;
    const nowMs = performance.now();
    for (const channel of this.#channels.values()) channel.tick(nowMs);
    const areEnded = [...this.#channels.values()].every((channel) => channel.isEnded);
    if (areEnded && this.#parts.file === undefined) this.#allEnded.resolve();
  }

  /** Starts new channels, stops those that are gone or changed, and leaves all others alone. */
  #setChannels({ channels, problems }: ChannelList): void {
    const { logger, named } = this.#parts;
    for (const problem of problems) logger.warn({ problem }, 'channel list: entry ignored');
    const wanted = new Map(channels.map((channel) => [channel.id, channel]));
    for (const channel of named) wanted.set(channel.id, channel);
    for (const [id, channel] of this.#channels) {
      if (JSON.stringify(wanted.get(id)) === JSON.stringify(channel.definition)) continue;
      channel.stop();
      this.#channels.delete(id);
      logger.info({ channel: id }, 'channel stopped');
    }
    const nowMs = performance.now();
    for (const [id, definition] of wanted) {
      if (this.#channels.has(id)) continue;
      const channel = new GatewayChannel(definition, this.#channelParts());
      this.#channels.set(id, channel);
      channel.start(nowMs);
      const inputs = definition.inputs.map(({ label }) => label);
      logger.info({ channel: id, name: definition.name, inputs }, 'channel started');
    }
  }

  #channelParts() {
    const { config, logger } = this.#parts;
    return { config, logger, limiter: this.#limiter, server: this.#feed, tools: this.#tools };
  }

  #tellCut(bytes: number): void {
    this.#limiter.warn('the kernel gives less than RECV_BUFFER: raise net.core.rmem_max', {
      wanted: this.#parts.config.RECV_BUFFER,
      given: bytes,
    });
  }
}
