import { lookup } from 'node:dns/promises';
import {
  auth,
  Client,
  type ClientOptions,
  errors,
  type Host,
  policies,
  types,
} from 'cassandra-driver';
import { addressOf, nameOf } from '../../config/addresses.ts';
import { StoreAwayError } from '../../errors.ts';
import { STORE_REQUEST_TIMEOUT_MS } from '../../limits.ts';
import { withTimeout } from '../../with-timeout.ts';
import type { CassandraConfig } from './settings.ts';
import { isSetupError } from './setup-errors.ts';
import { tlsOptions } from './tls.ts';

/** A request unanswered for this long is sent to a second node too, so that one paused node fails nothing. */
const SECOND_NODE_MS = 500;
/**
 * Requests that a connection leaves unanswered at once before it is replaced. A node that lives leaves some, while it
 * waits for another that has just died; more than these only one that answers nothing at all.
 */
const UNANSWERED_MAX = 128;
/** How soon a node that is back is used again. */
const RECONNECT_MS = 500;
const HEARTBEAT_MS = 5_000;
/** With this and what is around it, a start that cannot succeed ends within 15 s. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Another node is tried where that costs no time: a request that timed out has used up its own. */
class RetryAtOnce extends policies.retry.RetryPolicy {
  override onRequestError(
    info: policies.retry.OperationInfo,
    consistency: types.consistencies,
    error: Error,
  ): policies.retry.DecisionInfo {
    if (error instanceof errors.OperationTimedOutError) return this.rethrowResult();
    return super.onRequestError(info, consistency, error);
  }
}

/** No request carries this machine's time: a clock that is wrong here would hide what others write. */
class ServerTime extends policies.timestampGeneration.MonotonicTimestampGenerator {
  constructor() {
    super(0, 0);
  }

  /** The driver takes null for the server's own time, which its types leave out. */
  override next(): number {
    return null as unknown as number;
  }
}

async function clientOptions(
  config: CassandraConfig,
  address: string,
  readTimeout: number,
): Promise<ClientOptions> {
  return {
    contactPoints: [address],
    localDataCenter: config.DB_DATACENTER,
    protocolOptions: { port: config.DB_PORT },
    authProvider: new auth.PlainTextAuthProvider(config.DB_USER, config.DB_PASS),
    ...(config.DB_TLS_CA && { sslOptions: await tlsOptions(config) }),
    queryOptions: {
      prepare: true,
      isIdempotent: true,
      consistency: types.consistencies.localQuorum,
    },
    socketOptions: {
      connectTimeout: STORE_REQUEST_TIMEOUT_MS,
      readTimeout,
      defunctReadTimeoutThreshold: UNANSWERED_MAX,
    },
    pooling: { heartBeatInterval: HEARTBEAT_MS },
    policies: {
      loadBalancing: new policies.loadBalancing.TokenAwarePolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(config.DB_DATACENTER),
      ),
      reconnection: new policies.reconnection.ConstantReconnectionPolicy(RECONNECT_MS),
      retry: new RetryAtOnce(),
      speculativeExecution: new policies.speculativeExecution.ConstantSpeculativeExecutionPolicy(
        SECOND_NODE_MS,
        1,
      ),
      timestampGeneration: new ServerTime(),
    },
  };
}

/**
 * What the driver means when it says that no node is left to try: the answer of one of them to this request, such as
 * that too few replicas are alive, or else, in one line, that none answers.
 */
export function unwrapped(error: unknown): unknown {
  if (!(error instanceof errors.NoHostAvailableError)) return error;
  const byNode = Object.entries<Error>(error.innerErrors ?? {});
  const answer = byNode.find(([, reason]) => reason instanceof errors.ResponseError);
  return answer?.[1] ?? noNodeAnswers(byNode);
}

function noNodeAnswers(reasons: readonly (readonly [node: string, Error | undefined])[]) {
  const byNode = reasons.map(([node, reason]) => `${node}: ${reason?.message ?? 'down'}`);
  return new StoreAwayError(['no node answers', ...byNode].join('; '));
}

/**
 * What the driver has and its types leave out. Nothing else reaches all of its connections: `shutdown` does nothing for
 * a client that has not connected, forgets the connection that it was just making, and knows no host that was replaced.
 */
interface Internals {
  readonly controlConnection: {
    readonly connection: { closeAsync(): Promise<void> } | null;
    shutdown(): void;
  };
}
type ClosableHost = Host & { shutdown(waitForPending: boolean): Promise<void> };

/** How long a driver that was shut down may still go on with what it had begun. */
const AFTERMATH_MS = 10_000;

/**
 * A client that is good until its first outage of all nodes. The driver would go on after one, but puts new hosts in
 * the place of those it had without closing these, so that connections double with every outage, until its own code
 * fails on it and takes the process along.
 */
export class CassandraClient extends Client {
  readonly #dataCenter: string;
  readonly #replaced = new Set<ClosableHost>();
  #connecting: Promise<void> = Promise.resolve();

  constructor(options: ClientOptions, dataCenter: string) {
    super(options);
    this.#dataCenter = dataCenter;
    this.on('hostRemove', (host: ClosableHost) => this.#replaced.add(host));
  }

  /** To be called in place of `connect`: one that fails, or is given up, leaves no connection behind. */
  async open(limitMs: number): Promise<void> {
    this.#connecting = this.connect();
    try {
      await withTimeout(this.#connecting, limitMs);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The rows of a query, page by page. No page is asked for once `signal` is aborted. */
  async *pages(
    query: string,
    params: unknown[],
    fetchSize: number,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly types.Row[], void> {
    let pageState: string | undefined;
    do {
      signal?.throwIfAborted();
      const options = { fetchSize, ...(pageState && { pageState }) };
      const page = await this.execute(query, params, options).catch((error: unknown) => {
        throw unwrapped(error);
      });
      yield page.rows;
      pageState = page.pageState;
    } while (pageState);
  }

  /** Calls `away` at the moment when no node of the data centre is up any more, and never again. */
  onceAllAway(away: (reason: Error) => void): void {
    const check = () => {
      const nodes = this.hosts.values().filter((host) => host.datacenter === this.#dataCenter);
      if (nodes.some((host) => host.isUp())) return;
      this.off('hostDown', check);
      away(noNodeAnswers(nodes.map((host) => [host.address, undefined])));
    };
    this.on('hostDown', check);
  }

  /** To be called in place of `shutdown`: a reconnection that is under way ends after it, and is closed then. */
  async close(): Promise<void> {
    this.removeAllListeners('hostDown');
    this.on('hostAdd', (host: ClosableHost) => this.#replaced.add(host));
    const { controlConnection } = this as unknown as Internals;
    controlConnection.shutdown();
    await controlConnection.connection?.closeAsync();
    await this.#connecting.catch(() => {});
    await this.shutdown();
    await this.#closeRest();
    setTimeout(() => this.#closeRest(), AFTERMATH_MS).unref();
  }

  /** A connect that fails goes back to where it began, and would reconnect from there. */
  async #closeRest(): Promise<void> {
    const { controlConnection } = this as unknown as Internals;
    controlConnection.shutdown();
    const hosts = [...this.#replaced].map((host) => host.shutdown(false));
    await Promise.allSettled([...hosts, controlConnection.connection?.closeAsync()]);
  }
}

/** The addresses of a node given as host, host:port or [IPv6]:port, as the driver takes them. */
async function addressesOf(node: string, defaultPort: number): Promise<string[]> {
  const { host, port } = addressOf(node, defaultPort);
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => nameOf({ host: address, port }));
}

/**
 * A connected client; with `keyspace` its statements are of that keyspace. The nodes are tried one after another, each
 * with a client of its own: of several connections that fail, the driver closes but the last.
 * @param answerMs how long a node may take for an answer
 * @throws an error of the table of set-up errors where one node's answer is such, else a StoreAwayError
 */
export async function connectCassandra(
  config: CassandraConfig,
  keyspace?: string,
  answerMs = STORE_REQUEST_TIMEOUT_MS,
): Promise<CassandraClient> {
  const until = performance.now() + CONNECT_TIMEOUT_MS;
  const failures: [node: string, Error][] = [];
  for (const node of config.DB_NODES) {
    try {
      for (const address of await addressesOf(node, config.DB_PORT)) {
        const options = await clientOptions(config, address, answerMs);
        const client = new CassandraClient(
          keyspace === undefined ? options : { ...options, keyspace },
          config.DB_DATACENTER,
        );
        try {
          await client.open(Math.max(1, until - performance.now()));
          return client;
        } catch (error) {
          failures.push([address, onlyReasonOf(error)]);
        }
      }
    } catch (error) {
      failures.push([node, error as Error]);
    }
  }
  throw failures.find(([, error]) => isSetupError(error))?.[1] ?? noNodeAnswers(failures);
}

/** Of a client that knows one node only: what that node's failure was. */
function onlyReasonOf(error: unknown): Error {
  if (!(error instanceof errors.NoHostAvailableError)) return error as Error;
  const [inner] = Object.values<Error>(error.innerErrors ?? {});
  return inner ?? error;
}
