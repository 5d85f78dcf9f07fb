import { blaming } from '../../shared/bind.ts';
import type { Config } from '../../shared/config.ts';
import type { ChannelId } from '../../shared/ids.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { Store } from '../../shared/store/store.ts';
import { TokenVerifier } from '../../shared/tokens/token-verifier.ts';
import type { Registrations } from '../admission/registrations.ts';
import type { ConnectionRecord } from '../delivery/connection-record.ts';
import { Entrance } from '../delivery/entrance.ts';
import type { Sessions } from '../delivery/sessions.ts';
import { Certificate } from './certificate.ts';
import { FileRoom } from './file-room.ts';
import { Gate } from './gate.ts';
import { ChannelNames } from './http/channel-names.ts';
import { WatchServer } from './http/watch-server.ts';
import { LineServer } from './line-server.ts';
import type { Listening } from './listening.ts';
import { Lobby } from './lobby.ts';
import type { FileShares } from './open-files.ts';

interface TransportsParts {
  readonly config: Config;
  readonly shares: FileShares;
  readonly sessions: Sessions;
  readonly registrations: Registrations;
  readonly store: Pick<Store, 'register'>;
  readonly record: ConnectionRecord;
  /** Whether other processes listen on the same ports. */
  readonly reusePort: boolean;
  readonly limiter: LogLimiter;
  /** The channels that are there. */
  readonly present: () => Iterable<ChannelId>;
}

/** All the ways by which users come: the line on 9111 and HTTP on 9113, with one entrance for both. */
export class Transports {
  /** Connections of 9111 that have no session. */
  readonly lobby: Lobby;
  /** Of both ports, where they speak TLS. */
  readonly certificate: Certificate | undefined;
  readonly #lines: LineServer;
  readonly #names: ChannelNames;
  readonly #watch: WatchServer;

  constructor({ config, shares, registrations, store, present, ...transport }: TransportsParts) {
    const tokens = TokenVerifier.of(config);
    const entrance = new Entrance({ tokens, registrations, ...transport });
    const { STREAM_TLS_CERT: cert, STREAM_TLS_KEY: key, PROXY_PROTOCOL_FROM: proxies } = config;
    const certificate = cert ? new Certificate({ cert, key, ...transport }) : undefined;
    this.certificate = certificate;
    const isOpen = certificate === undefined && proxies.rules.length === 0;
    const gate = (...protocols: string[]) =>
      isOpen ? undefined : new Gate({ proxies, certificate, protocols });
    const room = new FileRoom(shares, transport.sessions);
    this.lobby = new Lobby(room);
    this.#lines = new LineServer({
      host: config.STREAM_HOST,
      port: config.STREAM_PORT,
      startAt: config.START_AT,
      gate: gate(),
      lobby: this.lobby,
      takesToken: tokens.isRequired,
      entrance,
      ...transport,
    });
    this.#names = new ChannelNames(config.CHANNELS_FILE, transport.limiter);
    this.#watch = new WatchServer({
      host: config.WATCH_HOST,
      port: config.WATCH_PORT,
      startAt: config.WATCH_START_AT,
      corsOrigin: config.WATCH_CORS_ORIGIN,
      room,
      lists: {
        record: transport.record,
        names: this.#names,
        present,
        tokens,
        publicUrl: config.WATCH_PUBLIC_URL,
        isSecure: certificate !== undefined,
      },
      gate: gate('http/1.1'),
      registration: config.WATCH_REGISTER,
      store,
      entrance,
      ...transport,
    });
  }

  /** @throws ConfigError that names the settings of a port or a file that cannot be had */
  async listen(): Promise<Listening> {
    await this.certificate?.start();
    const users = await this.#lines.listen().catch(blaming('STREAM_HOST, STREAM_PORT'));
    await this.#names.start();
    const watch = await this.#watch.listen().catch(blaming('WATCH_HOST, WATCH_PORT'));
    return { users, watch };
  }

  async close(): Promise<void> {
    await this.#lines.close();
    await this.#watch.close();
    this.#names.stop();
    this.certificate?.stop();
  }
}
