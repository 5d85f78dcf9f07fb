import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import {
  auth,
  Client,
  type ClientOptions,
  errors,
  type Host,
  policies,
  types,
} from 'cassandra-driver';
import { StoreAwayError, StoreSetupError } from '../../errors.ts';
import { STORE_REQUEST_TIMEOUT_MS } from '../../limits.ts';
import type { CassandraConfig } from './settings.ts';

/** A request unanswered for this long is sent to a second node too, so that one paused node fails nothing. */
const SECOND_NODE_MS = 500;
/** Requests that a connection leaves unanswered in a row before it is replaced. */
const UNANSWERED_MAX = 8;
/** How soon a node that is back is used again. */
const RECONNECT_MS = 500;
const HEARTBEAT_MS = 5_000;
/** With this, the first attempt and everything around it, a start that cannot succeed ends within 15 s. */
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

/** Trusts what the authority has signed for the node's address or for a name that stands in DB_NODES. */
async function tlsOptions(config: CassandraConfig): Promise<ConnectionOptions> {
  const ca = await readFile(config.DB_TLS_CA).catch((error: Error) => {
    throw new StoreSetupError(`DB_TLS_CA=${config.DB_TLS_CA} cannot be read: ${error.message}`);
  });
  const names = config.DB_NODES.map((node) => node.replace(/:\d+$/, ''));
  return {
    ca,
    rejectUnauthorized: true,
    checkServerIdentity: (host, certificate) => {
      const problem = checkServerIdentity(host, certificate);
      const known = names.some((name) => checkServerIdentity(name, certificate) === undefined);
      return known ? undefined : problem;
    },
  };
}

async function clientOptions(config: CassandraConfig): Promise<ClientOptions> {
  return {
    contactPoints: [...config.DB_NODES],
    protocolOptions: { port: config.DB_PORT },
    localDataCenter: config.DB_DATACENTER,
    authProvider: new auth.PlainTextAuthProvider(config.DB_USER, config.DB_PASS),
    ...(config.DB_TLS_CA && { sslOptions: await tlsOptions(config) }),
    queryOptions: {
      prepare: true,
      isIdempotent: true,
      consistency: types.consistencies.localQuorum,
    },
    socketOptions: {
      connectTimeout: STORE_REQUEST_TIMEOUT_MS,
      readTimeout: STORE_REQUEST_TIMEOUT_MS,
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
    },
  };
}

/** A StoreSetupError where no waiting mends it. */
function explain(error: unknown, config: CassandraConfig): unknown {
  if (!(error instanceof errors.NoHostAvailableError)) return error;
  const nodes = `DB_NODES=${config.DB_NODES}`;
  const byNode = Object.entries<Error>(error.innerErrors ?? {});
  const setupError = (text: string) => new StoreSetupError(text, { cause: error });
  if (byNode.length === 0) return setupError(`${nodes} cannot be resolved to any address`);
  for (const [, reason] of byNode) {
    const { message } = reason;
    if (reason instanceof errors.ArgumentError) {
      return setupError(`DB_DATACENTER=${config.DB_DATACENTER} has none of ${nodes}: ${message}`);
    }
    if (reason instanceof errors.AuthenticationError) {
      return setupError(`DB_USER and DB_PASS are refused by ${nodes}: ${message}`);
    }
    if ('code' in reason && isTlsProblem(String(reason.code))) {
      return setupError(`DB_TLS_CA=${config.DB_TLS_CA} does not vouch for ${nodes}: ${message}`);
    }
  }
  return error;
}

/** The driver's word that no node answers repeats the stack of the first failure; this is one line with all nodes. */
export function inOneLine(error: unknown): unknown {
  if (!(error instanceof errors.NoHostAvailableError)) return error;
  const byNode = Object.entries<Error>(error.innerErrors ?? {});
  const reasons = byNode.map(([node, reason]) => `${node}: ${reason.message ?? 'down'}`);
  return new StoreAwayError(['no node answers', ...reasons].join('; '));
}

function isTlsProblem(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_(SSL|TLS)_/.test(code);
}

/** What the driver's type of a host leaves out. */
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
  /** Those that `shutdown` does not know of. */
  readonly #forgotten = new Set<ClosableHost>();

  constructor(options: ClientOptions, dataCenter: string) {
    super(options);
    this.#dataCenter = dataCenter;
    this.on('hostRemove', (host: ClosableHost) => this.#forgotten.add(host));
  }

  /** Calls `away` at the moment when no node of the data centre is up any more, and never again. */
  onceAllAway(away: (reason: Error) => void): void {
    const check = () => {
      const nodes = this.hosts.values().filter((host) => host.datacenter === this.#dataCenter);
      if (nodes.some((host) => host.isUp())) return;
      this.off('hostDown', check);
      away(
        new StoreAwayError(
          `no node answers; ${nodes.map((host) => `${host.address}: down`).join('; ')}`,
        ),
      );
    };
    this.on('hostDown', check);
  }

  /** To be called in place of `shutdown`: a reconnection that is under way ends after it, and is closed then. */
  async close(): Promise<void> {
    this.on('hostAdd', (host: ClosableHost) => this.#forgotten.add(host));
    await this.shutdown();
    this.#closeForgotten();
    setTimeout(() => this.#closeForgotten(), AFTERMATH_MS).unref();
  }

  #closeForgotten(): void {
    for (const host of this.#forgotten) host.shutdown(false).catch(() => {});
  }
}

/**
 * A connected client; with `keyspace` its statements are of that keyspace.
 * @throws StoreSetupError when nodes, credentials, data centre or authority are wrong; any other error when the
 *   nodes are away
 */
export async function connectCassandra(
  config: CassandraConfig,
  keyspace?: string,
): Promise<CassandraClient> {
  const options = await clientOptions(config);
  const client = new CassandraClient(
    keyspace === undefined ? options : { ...options, keyspace },
    config.DB_DATACENTER,
  );
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new StoreAwayError(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
    CONNECT_TIMEOUT_MS,
  );
  try {
    await Promise.race([client.connect(), tooLate]);
    return client;
  } catch (error) {
    client.close().catch(() => {});
    throw inOneLine(explain(error, config));
  } finally {
    clearTimeout(timer);
  }
}
