import { Counter, Histogram, type Registry } from 'prom-client';
import { closedByReason, type HttpListener } from '../shared/http/http-listener.ts';
import { createRegistry } from '../shared/metrics/registry.ts';
import type { OpenFilesWatch } from '../shared/open-files.ts';

/** Up to the 2 s that a request waits for its store, and a bucket for what took longer. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2];

/** What functions count; a Lambda has CloudWatch for this. */
export interface Metrics {
  readonly registry: Registry;
  requestAnswered(route: string, method: string, status: number, ms: number): void;
  storeAnswered(operation: string, outcome: 'ok' | 'failed', ms: number): void;
  /** Shows what these parts count themselves, as it is when somebody asks. */
  show(parts: MetricsParts): void;
}

interface MetricsParts {
  readonly listener: HttpListener;
  readonly files: OpenFilesWatch;
  readonly droppedLogLines: () => number;
}

export function createMetrics(): Metrics {
  const { registry, counter, gauge } = createRegistry();
  const registers = [registry];
  const histogram = (name: string, help: string, labelNames: string[]) =>
    new Histogram({
      name: `streaming_${name}`,
      help,
      labelNames,
      buckets: BUCKETS_SECONDS,
      registers,
    });

  const requests = new Counter({
    name: 'streaming_functions_requests_total',
    help: 'Requests answered',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const requestSeconds = histogram('functions_request_seconds', 'From a request to its answer', [
    'route',
  ]);
  const storeSeconds = histogram(
    'functions_store_seconds',
    'From asking the store to its answer or its failure',
    ['operation', 'outcome'],
  );
  return {
    registry,
    requestAnswered(route, method, status, ms) {
      requests.inc({ route, method, status });
      requestSeconds.observe({ route }, ms / 1000);
    },
    storeAnswered(operation, outcome, ms) {
      storeSeconds.observe({ operation, outcome }, ms / 1000);
    },
    show({ listener, files, droppedLogLines }) {
      gauge('functions_connections', 'Connections of clients', [], () => listener.connections);
      counter(
        'functions_connections_closed_total',
        'Connections of clients that were closed for the sake of others',
        ['reason'],
        () => closedByReason(listener),
      );
      counter(
        'files_exhausted_total',
        'Times that this process could open no more files',
        [],
        () => files.exhausted,
      );
      counter(
        'log_lines_dropped_total',
        'Lines of the log that nobody read in time',
        [],
        droppedLogLines,
      );
    },
  };
}
