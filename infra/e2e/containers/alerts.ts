import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killServices, Service } from '../../demo/services/service.ts';
import { register } from '../../demo/viewer/demo-user.ts';
import { cleanEnvironment } from '../../local/environment.ts';
import { freePorts } from '../../local/free-ports.ts';
import { lockSqlite } from '../testing/sqlite-lock.ts';
import { lacksTool } from './support/command.ts';
import { Prometheus } from './support/prometheus.ts';
import type { Section, Step } from './support/section.ts';
import { allReceive, Viewer } from './support/viewer.ts';

const HOST = '127.0.0.1';

/**
 * The alerts themselves, on a running service: what is killed or stalled fires, and mended resolves. The rules are those of
 * infra/docker/monitoring, with their waiting times cut to seconds.
 */
export const alerts: Section = {
  title: 'Alerts: a real Prometheus beside a service whose parts are killed and stalled',
  lacks: () => lacksTool('prometheus', '--version'),
  async run(step) {
    const folder = await mkdtemp(join(tmpdir(), 'alerts-'));
    const watched = await Watched.create(folder);
    try {
      await play(watched, step);
    } finally {
      watched.end();
      await rm(folder, { recursive: true });
    }
  },
};

async function play(watched: Watched, step: Step): Promise<void> {
  const { prometheus } = watched;
  const firesAndResolves = (what: string, alert: string, harm: () => Promise<Mend>) =>
    step(what, async () => {
      await prometheus.quiet(alert);
      const mend = await harm();
      await prometheus.firing(alert);
      await mend();
      await prometheus.quiet(alert);
      return `${alert} fires, and resolves`;
    });

  await watched.startEdgeNode();
  await watched.startUser();
  await step('the queries of the dashboard', () => prometheus.answersDashboard());
  await firesAndResolves('the channel source is killed, and started again', 'SourceAway', () =>
    watched.killSource(),
  );
  await firesAndResolves('the store takes no row for a while', 'StoreAway', () =>
    watched.lockStore(),
  );
  await firesAndResolves('the edge node is killed, and started again', 'EdgeNodeDown', () =>
    watched.killEdgeNode(),
  );
  await firesAndResolves('nobody tells Prometheus of the edge node', 'EdgeNodesAbsent', () =>
    watched.forgetTarget(),
  );
}

type Mend = () => Promise<void>;

/** A channel source and an edge node with a user, all of this test's own. */
class Watched {
  readonly prometheus: Prometheus;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #viewer: Viewer;
  #source: Service;
  #edgeNode: Service | undefined;

  private constructor(folder: string, env: NodeJS.ProcessEnv, prometheus: Prometheus) {
    this.#folder = folder;
    this.#env = env;
    this.prometheus = prometheus;
    this.#viewer = new Viewer('viewer', () => Number(env.STREAM_PORT));
    this.#source = this.#startSource();
  }

  static async create(folder: string): Promise<Watched> {
    const [source, stream, watch, admin, http, web = 0] = await freePorts(6);
    const env = {
      ...cleanEnvironment(process.env),
      STORE: 'sqlite',
      SQLITE_PATH: join(folder, 'service.db'),
      USAGE_SPOOL_DIR: join(folder, 'spool'),
      CHANNEL_SOURCE_HOST: HOST,
      CHANNEL_SOURCE_PORT: String(source),
      STREAM_PORT: String(stream),
      WATCH_PORT: String(watch),
      ADMIN_PORT: String(admin),
      SERVER_PORT: String(http),
      USAGE_FLUSH_MS: '1000',
      DRAIN_MS: '0',
    };
    const prometheus = await Prometheus.start(folder, web, 'edge-node', `${HOST}:${admin}`);
    return new Watched(folder, env, prometheus);
  }

  /** Somebody who watches whenever they can: without usage nothing is asked of the store. */
  async startUser(): Promise<void> {
    const origin = `http://${HOST}:${this.#env.SERVER_PORT}`;
    await this.#start('functions', 'functions/server.ts').ready(`${origin}/readyz`);
    await register(origin, this.#viewer.userId);
    void this.#viewer.watch('zato01');
    await allReceive([this.#viewer]);
  }

  end(): void {
    this.#viewer.leaveAtNextClose();
    this.prometheus.kill();
    killServices();
  }

  async startEdgeNode(): Promise<void> {
    this.#edgeNode = this.#start('edge-node', 'edge-node/main.ts');
    await this.#edgeNode.ready(`http://${HOST}:${this.#env.ADMIN_PORT}/readyz`);
  }

  #startSource(): Service {
    const options = ['--port', String(this.#env.CHANNEL_SOURCE_PORT), '--channels', 'zato01'];
    return this.#start('channel-source', 'infra/demo/source/channel-source.ts', ...options);
  }

  #start(name: string, script: string, ...args: readonly string[]): Service {
    const logFile = join(this.#folder, `${name}.log`);
    return new Service({ name, script, args, env: this.#env, logFile });
  }

  async killSource(): Promise<Mend> {
    this.#source.kill();
    return async () => {
      this.#source = this.#startSource();
    };
  }

  async killEdgeNode(): Promise<Mend> {
    this.#edgeNode?.kill();
    return () => this.startEdgeNode();
  }

  async lockStore(): Promise<Mend> {
    const lock = lockSqlite(String(this.#env.SQLITE_PATH));
    return async () => lock.unlock();
  }

  async forgetTarget(): Promise<Mend> {
    const target = await this.prometheus.forget();
    return () => target.remember();
  }
}
