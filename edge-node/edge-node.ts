import type { AddressInfo } from 'node:net';
import { blaming } from '../shared/bind.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import type { Config } from '../shared/config.ts';
import { LOAD_STEP_MS } from '../shared/limits.ts';
import { type Logger, LogLimiter } from '../shared/logger.ts';
import { OpenFilesWatch } from '../shared/open-files.ts';
import { closeStore } from '../shared/store/open-store.ts';
import type { Store } from '../shared/store/store.ts';
import { AdminServer } from './admin/admin-server.ts';
import type { EdgeView } from './admin/edge-view.ts';
import { type Admission, type Membership, OwnAdmission } from './admission/admission.ts';
import { AdmittedUsers } from './admission/admitted-users.ts';
import { placeLimits } from './admission/places.ts';
import { Registrations } from './admission/registrations.ts';
import { ChannelDirectory } from './channels/channel-directory.ts';
import { ConnectionRecord } from './delivery/connection-record.ts';
import { LoadFactor } from './delivery/load-factor.ts';
import { LoopDelay } from './delivery/loop-delay.ts';
import { Overload } from './delivery/overload.ts';
import type { Session } from './delivery/session.ts';
import { type Connection, Sessions } from './delivery/sessions.ts';
import { Turns } from './delivery/turns.ts';
import { openFeed } from './nats/open-feed.ts';
import { announcerOf } from './placement/advertised.ts';
import type { Announcer } from './placement/announcer.ts';
import { loadOf } from './placement/load.ts';
import type { Feed } from './source/feed.ts';
import type { Listening } from './transports/listening.ts';
import { fileShares } from './transports/open-files.ts';
import { Transports } from './transports/transports.ts';
import { UsageMeter } from './usage/meter.ts';
import { SpoolFolder } from './usage/spool/spool-folder.ts';
import { UsageWriter } from './usage/writer.ts';

interface EdgeParts {
  readonly config: Config;
  /** Closed by stop(). */
  readonly store: Store;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Of a worker: what it has in common with the others of its node. */
  readonly membership?: Membership<Session, Connection>;
  /** Log lines that nobody read in time. */
  readonly droppedLogLines?: () => number;
}

/** Where it listens. */
type Addresses = Listening & { readonly admin: AddressInfo };

const SWEEP_MS = 1_000;

/**
 * The whole edge node, built and joined in one place. A packet's way:
 *
 *     Feed → PacketDecoder → ChannelDirectory → Channel (ReorderBuffer → ChannelLog) → Session → user
 *
 * and what a user was sent goes Session → UsageMeter → UsageWriter → Store.
 */
export class EdgeNode {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #limiter: LogLimiter;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #load: LoadFactor;
  readonly #overload = new Overload();
  readonly #turns: Turns;
  readonly #channels: ChannelDirectory;
  readonly #feed: Feed;
  readonly spoolFolder: SpoolFolder;
  readonly #writer: UsageWriter;
  readonly #record: ConnectionRecord;
  readonly #admission: Admission<Session, Connection>;
  readonly #admitted: AdmittedUsers<Session>;
  readonly #sessions: Sessions;
  readonly #transports: Transports;
  /** Of a worker its supervisor has it. */
  #admin: AdminServer | undefined;
  readonly view: EdgeView;
  readonly #files: OpenFilesWatch;
  readonly #loopDelay: LoopDelay;
  #announcer: Announcer | undefined;
  #timers: NodeJS.Timeout[] = [];
  #isListening = false;

  constructor({
    config,
    store,
    logger,
    clock = systemClock(),
    membership,
    droppedLogLines = () => 0,
  }: EdgeParts) {
    this.#config = config;
    this.#store = store;
    this.#logger = logger;
    this.#limiter = new LogLimiter(logger);
    this.#clock = clock;
    this.#files = new OpenFilesWatch(this.#limiter);
    this.#loopDelay = new LoopDelay(clock);
    this.#record = new ConnectionRecord({
      packetDurationMs: config.PACKET_DURATION_MS,
      logger,
      limiter: this.#limiter,
    });
    this.#turns = new Turns(clock, this.#overload, this.#record);
    this.#load = new LoadFactor(config.DELIVERY_LOAD_FACTOR, membership?.workers);
    this.#feed = openFeed({ config, clock, logger, limiter: this.#limiter });
    this.#channels = new ChannelDirectory({
      maxChannels: config.MAX_CHANNELS,
      maxBytes: config.EDGE_LOG_BYTES,
      reorder: {
        maxPackets: config.REORDER_MAX_PACKETS,
        maxBytes: config.REORDER_MAX_BYTES,
        deadlineMs: config.REORDER_DEADLINE_MS,
        settleMs: config.REORDER_SETTLE_MS,
      },
      logLimits: {
        maxBytes: config.CHANNEL_LOG_BYTES,
        maxMs: config.CHANNEL_LOG_MS,
        entryMaxAgeMs: config.ENTRY_MAX_AGE_MS,
      },
      idleRun: { packets: config.PACKET_BATCH_SIZE, lingerMs: config.DELIVERY_LINGER_MS },
      packetDurationMs: config.PACKET_DURATION_MS,
      merged: this.#feed.merged,
      progress: this.#feed,
      demand: this.#feed.demand,
      runsClosed: (channel) => this.#turns.runsClosed(channel),
      clock,
      logger,
      limiter: this.#limiter,
    });
    const registrations = new Registrations({
      store,
      ttlMs: config.REGISTRATION_TTL_MS,
      clock,
      limiter: this.#limiter,
    });
    const meter = new UsageMeter({
      clock,
      packetDurationMs: config.PACKET_DURATION_MS,
    });
    this.spoolFolder = new SpoolFolder(config.USAGE_SPOOL_DIR);
    this.#writer = new UsageWriter({
      store,
      meter,
      folder: this.spoolFolder,
      flushMs: config.USAGE_FLUSH_MS,
      maxPendingRows: config.USAGE_MAX_PENDING_ROWS,
      logger,
      clock,
    });
    const shares = fileShares(config.MAX_USERS);
    this.#admission =
      membership?.admission ??
      new OwnAdmission(placeLimits(config, shares.users), clock, (session) =>
        session.reset('replaced'),
      );
    this.#admitted = new AdmittedUsers<Session>({
      registrations,
      ttlMs: config.REGISTRATION_TTL_MS,
      clock,
      end: (sessions) => {
        for (const session of sessions) session.shutDown('unregistered');
      },
      gone: (userId, confirmedMs) => void this.#writer.unregistered(userId, confirmedMs),
    });
    this.#sessions = new Sessions({
      config,
      admitted: this.#admitted,
      admission: this.#admission,
      channels: this.#channels,
      record: this.#record,
      meter,
      turns: this.#turns,
      overload: this.#overload,
      clock,
    });
    this.#transports = new Transports({
      config,
      shares,
      sessions: this.#sessions,
      registrations,
      store,
      record: this.#record,
      reusePort: membership !== undefined,
      limiter: this.#limiter,
      present: () => this.#channels.ids,
    });
    this.view = {
      storeName: config.STORE,
      packetDurationMs: config.PACKET_DURATION_MS,
      logMaxBytes: config.EDGE_LOG_BYTES,
      store,
      feed: this.#feed,
      channels: this.#channels,
      sessions: this.#sessions,
      record: this.#record,
      admission: this.#admission,
      lobby: this.#transports.lobby,
      certificate: this.#transports.certificate,
      overload: this.#overload,
      registrations,
      writer: this.#writer,
      load: this.#load,
      nodeLoad: () => membership?.load() ?? loadOf(this.view),
      clock,
      files: this.#files,
      loopDelay: this.#loopDelay,
      droppedLogLines,
      announcementFailures: () => this.#announcer?.failures ?? 0,
      isAccepting: () => this.#isListening && !this.#sessions.isDraining,
    };
  }

  /** @throws ConfigError that names the settings of a port or a file that cannot be had; the source and the store may be away */
  async start(): Promise<Addresses> {
    const { view } = this;
    const config = this.#config;
    this.#admin = new AdminServer({ view, config, logger: this.#logger, limiter: this.#limiter });
    const admin = await this.#admin
      .listen(config.ADMIN_HOST, config.ADMIN_PORT)
      .catch(blaming('ADMIN_HOST, ADMIN_PORT'));
    const listening = await this.startWorker();
    const { maxUsers } = this.#admission;
    this.#logger.info({ maxUsers }, `this node takes at most ${maxUsers} users`);
    return { ...listening, admin };
  }

  /** The same without the operators' port, which is the supervisor's. */
  async startWorker(): Promise<Listening> {
    this.#writer.start();
    // Before users come: what they watch may have to be asked for.
    await this.#feed.start(this.#channels);
    const listening = await this.#transports.listen();
    this.#isListening = true;
    this.#files.start();
    this.#loopDelay.start();
    this.#admitted.start();
    this.#timers = [
      // After the sockets were polled: what a late event loop has not read yet is no silence.
      setInterval(() => setImmediate(() => this.#sweep()), SWEEP_MS),
      setInterval(this.#loadStep(), LOAD_STEP_MS),
    ];
    this.#announcer = announcerOf(this.view, this.#config, listening, this.#limiter);
    this.#announcer?.start();
    return listening;
  }

  /** Sends the users away over DRAIN_MS, then writes or spools all that was counted. Nothing counted is lost. */
  async stop(): Promise<void> {
    await Promise.all([
      this.#announcer?.withdraw(),
      this.#sessions.drain(),
      this.#admin?.drain(this.#config.SERVER_DRAIN_MS),
    ]);
    await this.#feed.stop();
    for (const timer of this.#timers) clearInterval(timer);
    this.#admitted.stop();
    this.#channels.stop();
    this.#turns.stop();
    await this.#transports.close();
    await this.#writer.stop();
    await closeStore(this.#store, this.#logger);
    await this.#admin?.close();
    this.#files.stop();
    this.#loopDelay.stop();
    this.#record.flush();
    this.#limiter.flush();
  }

  /** Cuts the draining of a stop short. */
  hurry(): void {
    this.#sessions.hurry();
    this.#admin?.hurry();
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    void this.#channels.sweep(nowMs);
    this.#sessions.sweep(nowMs);
    this.#record.tick(nowMs);
  }

  /** The size and the linger of runs follow the event loop's utilization since the last step, by one factor. */
  #loadStep(): () => void {
    let before = performance.eventLoopUtilization();
    return () => {
      const now = performance.eventLoopUtilization();
      this.#load.update(performance.eventLoopUtilization(now, before).utilization);
      before = now;
      this.#channels.setLoad(this.#load.value);
    };
  }
}
