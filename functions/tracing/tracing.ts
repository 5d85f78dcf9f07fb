import type { FastifyInstance } from 'fastify';

/** What becomes of requests, for a collector of traces. A collector that is away costs spans, and no request. */
export interface Tracing {
  /** From now on each request to a route of the app is a span; probes of its health are none. */
  watch(app: FastifyInstance): void;
  /** A question to the store: a span within that of the request under way. */
  storeAsked<T>(operation: string, ask: () => Promise<T>): Promise<T>;
  /** Hands over what has ended so far, within TRACE_FLUSH_MS: for a process that is frozen between requests. */
  flush(): Promise<void>;
  /** Hands over the rest, within TRACE_FLUSH_MS, and ends. */
  close(): Promise<void>;
}
