import { randomUUID } from 'node:crypto';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import { asError, ConfigError, NatsError, reasonOf } from '../../shared/errors.ts';
import {
  NATS_BACKOFF_MAX_MS,
  NATS_BACKOFF_MIN_MS,
  NATS_PING_MS,
  NATS_SILENCE_MS,
  RUN_MAX_BYTES,
} from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { backoffMs } from '../../shared/net/backoff.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { HEADER_BYTES } from '../source/packet.ts';
import { type NatsAccess, natsOptions } from './nats-options.ts';

interface LinkParts extends NatsAccess {
  /** The largest message that the servers must take, and the settings that it follows from. */
  readonly largestMessage: { readonly bytes: number; readonly by: string };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly server: string }
  | { readonly kind: 'waiting'; readonly retryMs: number; readonly reason: string }
  | { readonly kind: 'stopped' };

/** What came on a subject, and where an answer is waited for, if one is. The bytes are the receiver's own. */
export type Arrival = Pick<Msg, 'subject' | 'data' | 'reply'>;

type Receive = (arrival: Arrival) => void;

/** A subject that is listened to, over all connections, until `end`. */
class Listening {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly receive: Receive;
  readonly #onEnd: (listening: Listening) => void;
  subscription: Subscription | undefined;

  constructor(
    subject: string,
    queue: string | undefined,
    receive: Receive,
    onEnd: (listening: Listening) => void,
  ) {
    this.subject = subject;
    this.queue = queue;
    this.receive = receive;
    this.#onEnd = onEnd;
  }

  end(): void {
    this.#onEnd(this);
  }
}

export type { Listening };

/**
 * Holds a connection to one of several NATS servers, for ever: lost, refused, or silent for NATS_SILENCE_MS, another is
 * made, to any of them, and all subjects are listened to again. What was published while there was none is not kept.
 */
export class NatsLink {
  readonly #parts: LinkParts;
  readonly #listenings = new Set<Listening>();
  readonly #onConnected: (() => void)[] = [];
  #onLost = () => {};
  #nats: NatsConnection | undefined;
  #retry: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #answeredMs = 0;
  #failures = 0;
  state: LinkState = { kind: 'stopped' };
  connections = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** As the settings say; a message holds one packet at the least. */
  static of(config: Config, parts: Pick<LinkParts, 'name' | 'clock' | 'logger' | 'limiter'>) {
    return new NatsLink({
      ...parts,
      urls: config.NATS_URL,
      credsFile: config.NATS_CREDS_FILE,
      tlsCa: config.NATS_TLS_CA,
      largestMessage: {
        bytes: Math.max(RUN_MAX_BYTES, HEADER_BYTES + config.MAX_PAYLOAD_BYTES),
        by: `MAX_PAYLOAD_BYTES (${config.MAX_PAYLOAD_BYTES})`,
      },
    });
  }

  get isConnected(): boolean {
    return this.#nats !== undefined && !this.#nats.isClosed();
  }

  /**
   * Begins to connect, and returns with the first connection or after `waitMs`: the servers may be away.
   * @throws ConfigError where a server answers that cannot serve as things are set
   */
  async start(waitMs: number): Promise<void> {
    const first = this.#connect();
    const outcome = await withTimeout(first, waitMs).catch(() => undefined);
    if (outcome instanceof ConfigError) {
      await this.stop();
      throw outcome;
    }
  }

  async stop(): Promise<void> {
    this.state = { kind: 'stopped' };
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    const nats = this.#nats;
    this.#nats = undefined;
    await nats?.close();
  }

  /** Calls back at each connection, once all subjects are listened to on it. */
  onConnected(callback: () => void): void {
    this.#onConnected.push(callback);
  }

  /** Calls back when a connection has ended. */
  onLost(callback: () => void): void {
    this.#onLost = callback;
  }

  /** @param queue of those who listen with the same name, one gets each message */
  listen(subject: string, receive: Receive, queue?: string): Listening {
    const listening = new Listening(subject, queue, receive, (ended) => {
      this.#listenings.delete(ended);
      ended.subscription?.unsubscribe();
    });
    this.#listenings.add(listening);
    if (this.#nats !== undefined) subscribe(this.#nats, listening);
    return listening;
  }

  /** A subject of one's own, for answers. */
  newInbox(): string {
    return `_INBOX.${randomUUID()}`;
  }

  /** @returns whether it went to a connection; that the server has it is known after `confirmed` only */
  publish(subject: string, data: Uint8Array, reply?: string): boolean {
    if (this.#nats === undefined || this.#nats.isClosed()) return false;
    this.#nats.publish(subject, data, reply === undefined ? undefined : { reply });
    return true;
  }

  /** Resolves once the server has taken all that was published before. @throws when the connection is lost instead */
  async confirmed(): Promise<void> {
    if (this.#nats === undefined) throw new NatsError('there is no connection to NATS');
    await this.#nats.flush();
  }

  /** @returns the mistake in the settings that this attempt met, if any; other failures are tried again */
  async #connect(): Promise<ConfigError | undefined> {
    this.state = { kind: 'connecting' };
    try {
      // Here and not above: 15 MB and 0.2 s that an edge node without NATS is spared.
      const { connect, credsAuthenticator } = await import('@nats-io/transport-node');
      const nats = await connect(natsOptions(this.#parts, credsAuthenticator));
      if (this.#isStopped()) {
        await nats.close();
        return undefined;
      }
      const problem = this.#tooSmall(nats);
      if (problem !== undefined) {
        await nats.close();
        throw problem;
      }
      this.#begin(nats);
      return undefined;
    } catch (thrown) {
      const error = asError(thrown);
      this.#retryLater(reasonOf(error));
      return error instanceof ConfigError ? error : undefined;
    }
  }

  #isStopped(): boolean {
    return this.state.kind === 'stopped';
  }

  #tooSmall({ info }: NatsConnection): ConfigError | undefined {
    const { bytes, by } = this.#parts.largestMessage;
    const given = info?.max_payload ?? 0;
    if (given >= bytes) return undefined;
    return new ConfigError(
      `NATS_URL: this server takes messages of ${given} bytes (max_payload), and ${by} needs ${bytes}`,
    );
  }

  #begin(nats: NatsConnection): void {
    const { clock, logger } = this.#parts;
    this.#nats = nats;
    this.#failures = 0;
    this.connections += 1;
    const server = `${nats.info?.server_name} at ${nats.getServer()}`;
    this.state = { kind: 'connected', server };
    logger.info({ server }, 'connected to NATS');
    for (const listening of this.#listenings) subscribe(nats, listening);
    this.#answeredMs = clock.monotonicMs();
    // After the sockets were polled: what a late event loop has not read yet is no silence.
    this.#watch = setInterval(() => setImmediate(() => this.#ping(nats)), NATS_PING_MS);
    void this.#tellErrors(nats);
    void nats.closed().then((error) => {
      if (this.#nats === nats) this.#lost(error instanceof Error ? reasonOf(error) : undefined);
    });
    for (const callback of this.#onConnected) callback();
  }

  /** A server that stands still keeps its connections: only silence tells. */
  #ping(nats: NatsConnection): void {
    if (this.#nats !== nats) return;
    const { clock } = this.#parts;
    if (clock.monotonicMs() - this.#answeredMs >= NATS_SILENCE_MS) {
      this.#lost(`it did not answer for ${NATS_SILENCE_MS} ms`);
      void nats.close();
      return;
    }
    nats.flush().then(
      () => {
        this.#answeredMs = clock.monotonicMs();
      },
      () => {}, // the connection is lost, which its end tells
    );
  }

  async #tellErrors(nats: NatsConnection): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type !== 'error') continue;
      this.#parts.limiter.warn('NATS refuses something', { err: status.error });
    }
  }

  #lost(reason = 'the server closed the connection'): void {
    clearInterval(this.#watch);
    this.#nats = undefined;
    for (const listening of this.#listenings) listening.subscription = undefined;
    this.#retryLater(reason);
    this.#onLost();
  }

  #retryLater(reason: string): void {
    if (this.#isStopped()) return;
    const { limiter, urls } = this.#parts;
    const retryMs = backoffMs(this.#failures, NATS_BACKOFF_MIN_MS, NATS_BACKOFF_MAX_MS);
    this.#failures += 1;
    this.state = { kind: 'waiting', retryMs, reason };
    limiter.warn('no connection to NATS', { servers: urls.join(), reason, retryMs });
    this.#retry = setTimeout(() => void this.#connect(), retryMs);
  }
}

function subscribe(nats: NatsConnection, listening: Listening): void {
  const { subject, queue, receive } = listening;
  listening.subscription = nats.subscribe(subject, {
    ...(queue !== undefined && { queue }),
    // An error here is one of permission: the status tells it, too.
    callback: (error, message) => {
      if (error === null) receive(message);
    },
  });
}
