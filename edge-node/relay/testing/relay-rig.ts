import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import type { NatsServers } from '../../../infra/local/nats/nats-servers.ts';
import { startNats } from '../../../infra/local/test-nats.ts';
import { systemClock } from '../../../shared/clock.ts';
import { loadConfig, type SettingName } from '../../../shared/config.ts';
import { LogLimiter } from '../../../shared/logger.ts';
import { NatsLink } from '../../nats/nats-link.ts';
import { ScriptedSource } from '../../testing/scripted-source.ts';
import { Relay } from '../relay.ts';

type Settings = Partial<Record<SettingName, string>>;

const WAIT_MS = 20_000;

/** Relays in this process, between a scripted source and real NATS servers. All ends with the test. */
export class RelayRig {
  readonly source = new ScriptedSource();
  readonly nats: NatsServers;
  /** Warnings and errors of relays and listeners. */
  readonly lines: string[] = [];
  readonly #logger = pino({ level: 'warn' }, { write: (line) => this.lines.push(line) });

  private constructor(nats: NatsServers) {
    this.nats = nats;
  }

  static async start(servers = 1): Promise<RelayRig> {
    const rig = new RelayRig(await startNats(servers));
    await rig.source.listen();
    onTestFinished(() => rig.source.close());
    return rig;
  }

  settings(settings: Settings = {}): Settings {
    return {
      CHANNEL_SOURCE_HOST: '127.0.0.1',
      CHANNEL_SOURCE_PORT: String(this.source.port),
      NATS_URL: this.nats.urls,
      RELAY_ADMIN_PORT: '0',
      SERVER_DRAIN_MS: '0',
      SOURCE_SILENCE_MS: '0',
      ...settings,
    };
  }

  /** A relay that is connected to its source and, unless `nats` is 'away', to NATS. */
  async relay(settings: Settings = {}, nats: 'there' | 'away' = 'there'): Promise<RunningRelay> {
    const connections = this.source.connections;
    const relay = new Relay({ config: loadConfig(this.settings(settings)), logger: this.#logger });
    const running = new RunningRelay(relay);
    onTestFinished(() => running.stop());
    const { admin } = await relay.start();
    running.origin = `http://127.0.0.1:${admin.port}`;
    await this.eventually(() => this.source.connections).toBe(connections + 1);
    if (nats === 'there') {
      await this.eventually(() => running.metric('relay_nats_connected')).toBe(1);
    }
    return running;
  }

  /** A connection of one's own. */
  async link(settings: Settings = {}): Promise<NatsLink> {
    const link = NatsLink.of(loadConfig(this.settings(settings)), {
      name: 'test',
      clock: systemClock(),
      logger: this.#logger,
      limiter: new LogLimiter(this.#logger),
    });
    onTestFinished(() => link.stop());
    await link.start(WAIT_MS);
    return link;
  }

  /** Assertions that come true in time. */
  eventually<T>(read: () => T | Promise<T>) {
    return expect.poll(read, { timeout: WAIT_MS, interval: 10 });
  }
}

class RunningRelay {
  readonly #relay: Relay;
  #stopped: Promise<void> | undefined;
  /** Of its admin port. */
  origin = '';

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  /** Stops it, once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#relay.stop();
    return this.#stopped;
  }

  /** Of all its labels together; NaN where there is none. */
  async metric(name: string): Promise<number> {
    const answer = await fetch(`${this.origin}/metrics`);
    const start = new RegExp(`^streaming_${name}[ {]`);
    const values = (await answer.text())
      .split('\n')
      .filter((line) => start.test(line))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
    return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
  }

  async status<T>(): Promise<T> {
    return (await (await fetch(`${this.origin}/status`)).json()) as T;
  }
}
