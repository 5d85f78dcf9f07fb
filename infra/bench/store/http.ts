import autocannon from 'autocannon';
import { cpuSeconds } from '../proc.ts';

const CONNECTIONS = 64;

/** Requests of one kind, put to the functions process by CONNECTIONS connections as fast as it answers them. */
export interface HttpLoad {
  readonly name: string;
  readonly requests: autocannon.Request[];
}

export interface HttpFigure {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the functions process, user and system, for each request. */
  readonly cpuMicros: number;
  /** Requests that were not answered 200. */
  readonly failed: number;
}

/** Puts a load on the functions process `pid` for `seconds`, after a while in which it may warm up. */
export async function measureHttp(
  { name, requests }: HttpLoad,
  server: { readonly origin: string; readonly pid: number },
  seconds: number,
): Promise<HttpFigure> {
  const load = (duration: number) =>
    autocannon({ url: server.origin, connections: CONNECTIONS, duration, requests });
  await load(Math.max(1, Math.ceil(seconds / 4)));
  const cpuBefore = cpuSeconds(server.pid);
  const { requests: answered, latency, errors, non2xx, duration } = await load(seconds);
  const cpu = cpuSeconds(server.pid) - cpuBefore;
  return {
    name,
    requestsPerSecond: answered.total / duration,
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    cpuMicros: (cpu * 1e6) / answered.total,
    failed: errors + non2xx,
  };
}
