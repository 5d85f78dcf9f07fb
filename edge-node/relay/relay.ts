import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { DIRECTORY_MS, NATS_OPEN_MS, RELAY_CLOSE_MS } from '../../shared/limits.ts';
import { type Logger, LogLimiter } from '../../shared/logger.ts';
import { UpstreamAdmin } from '../admin/upstream/upstream-admin.ts';
import { type ChannelRate, encodeDirectory } from '../nats/directory-message.ts';
import { NatsLink } from '../nats/nats-link.ts';
import { Subjects } from '../nats/subjects.ts';
import { openTcpFeed } from '../source/open-feed.ts';
import { HEADER_BYTES } from '../source/packet.ts';
import type { TcpFeed } from '../source/tcp-feed.ts';
import { createRelayMetrics } from './admin/relay-metrics.ts';
import { relayStatus } from './admin/relay-status.ts';
import { Backlogs } from './backlogs.ts';
import { Publisher } from './publisher.ts';
import { RelayChannels } from './relay-channels.ts';

interface RelayParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Log lines that nobody read in time. */
  readonly droppedLogLines?: () => number;
}

/** Of the relays that share a subject prefix, one answers each request. */
const QUEUE = 'relays';
const CLOSE_STEP_MS = 10;

/**
 * The whole relay, built and joined in one place. A packet's way:
 *
 *     Feed → PacketDecoder → RelayChannels → RelayChannel (ChannelLog) → Publisher → NatsLink
 *
 * What is published is in no order, and relays know nothing of each other: what two of them publish is a repeat at the
 * edge node. What several sources bring is published once.
 */
export class Relay {
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #limiter: LogLimiter;
  readonly #subjects: Subjects;
  readonly #link: NatsLink;
  readonly #feed: TcpFeed;
  readonly #channels: RelayChannels;
  readonly #publisher: Publisher;
  readonly #backlogs: Backlogs;
  readonly #admin: UpstreamAdmin;
  /** Names this life of it. */
  readonly #id = randomUUID();
  #isRunning = false;
  #sweeps: NodeJS.Timeout | undefined;

  constructor({ config, logger, clock = systemClock(), droppedLogLines = () => 0 }: RelayParts) {
    this.#config = config;
    this.#clock = clock;
    const limiter = new LogLimiter(logger);
    this.#limiter = limiter;
    this.#subjects = new Subjects(config.NATS_SUBJECT_PREFIX);
    this.#link = NatsLink.of(config, { name: 'relay', clock, logger, limiter });
    this.#backlogs = new Backlogs({
      channelOf: (id) => this.#channels.get(id),
      tell: (subject, data) => this.#link.publish(subject, data),
      ready: () => this.#publisher.pump(),
      nowMs: () => clock.monotonicMs(),
      limiter,
    });
    this.#publisher = new Publisher({
      link: this.#link,
      sender: this.#id,
      maxBytes: config.RELAY_QUEUE_BYTES,
      maxAgeMs: config.REORDER_DEADLINE_MS,
      next: () => this.#backlogs.next(),
      clock,
      limiter,
    });
    this.#feed = openTcpFeed({ config, clock, logger, limiter });
    this.#channels = new RelayChannels({
      maxChannels: config.MAX_CHANNELS,
      maxBytes: config.EDGE_LOG_BYTES,
      log: {
        // A log that holds one packet of the largest, with its header.
        maxBytes: config.CHANNEL_LOG_BYTES + HEADER_BYTES,
        maxMs: config.CHANNEL_LOG_MS,
        entryMaxAgeMs: config.ENTRY_MAX_AGE_MS,
      },
      reorder: {
        maxPackets: config.REORDER_MAX_PACKETS,
        maxBytes: config.REORDER_MAX_BYTES,
        deadlineMs: config.REORDER_DEADLINE_MS,
        settleMs: config.REORDER_SETTLE_MS,
      },
      merged: this.#feed.merged,
      subjects: this.#subjects,
      publish: ({ subject }, run) => this.#publisher.offer(subject, run),
      clock,
      logger,
      limiter,
    });
    const view = {
      feed: this.#feed,
      link: this.#link,
      channels: this.#channels,
      publisher: this.#publisher,
      backlogs: this.#backlogs,
      clock,
      droppedLogLines,
    };
    this.#admin = new UpstreamAdmin({
      setting: 'RELAY_ADMIN_PORT',
      isReady: () => this.#isRunning,
      metrics: createRelayMetrics(view),
      status: () => relayStatus(view),
      config,
      logger,
      limiter,
    });
  }

  /** @throws ConfigError that names the settings of a port or of NATS; the source and NATS may be away */
  async start(): Promise<{ readonly admin: AddressInfo }> {
    const admin = await this.#admin.listen();
    await this.#link.start(NATS_OPEN_MS);
    this.#link.listen(this.#subjects.anyBacklog, (request) => this.#backlogs.ask(request), QUEUE);
    this.#feed.start(this.#channels);
    this.#sweeps = setInterval(() => this.#sweep(), DIRECTORY_MS);
    this.#isRunning = true;
    return { admin };
  }

  /** Takes no more packets, and publishes those that it has: for RELAY_CLOSE_MS at the most. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    const drained = this.#admin.drain(this.#config.SERVER_DRAIN_MS);
    this.#feed.stop();
    this.#channels.stop();
    const untilMs = this.#clock.monotonicMs() + RELAY_CLOSE_MS;
    while (!this.#publisher.isIdle && this.#clock.monotonicMs() < untilMs)
      await sleep(CLOSE_STEP_MS);
    await drained;
    clearInterval(this.#sweeps);
    this.#publisher.stop();
    await this.#link.stop();
    await this.#admin.close();
    this.#limiter.flush();
  }

  /** Cuts the draining of a stop short. */
  hurry(): void {
    this.#admin.hurry();
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    void this.#channels.sweep(nowMs);
    this.#publisher.sweep(nowMs);
    // Not by the publisher: what is a second old is of no use to anybody.
    for (const part of encodeDirectory(this.#id, this.#rates())) {
      this.#link.publish(this.#subjects.directory, part);
    }
  }

  *#rates(): Iterable<readonly [ChannelId, ChannelRate]> {
    for (const { id, rate } of this.#channels.all) yield [id, rate];
  }
}
