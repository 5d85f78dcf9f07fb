import { pino } from 'pino';
import { expect, test } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { HttpApp } from '../../../shared/http/http-app.ts';
import { LogLimiter } from '../../../shared/logger.ts';
import { createRegistry } from '../../../shared/metrics/registry.ts';
import type { WorkerMetrics } from '../../admin/worker-metrics.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { NodeMetrics } from './node-metrics.ts';

const limiter = new LogLimiter(pino({ enabled: false }));
const { listener } = new HttpApp({ setting: 'ADMIN_PORT', room: 1, limiter });

function metricsOf(...workers: WorkerProcess[]): {
  metrics: NodeMetrics;
  workers: WorkerProcess[];
} {
  const supervisor = { workers, isAccepting: true, load: 0, ends: 0, usersOf: () => 0 };
  const clock = systemClock();
  return {
    metrics: new NodeMetrics({ supervisor, listener, clock, droppedLogLines: () => 0 }),
    workers,
  };
}

/** A worker that has counted so much, and answers until it is dead: then what it said last is all there is. */
async function workerOf(number: number, count: number): Promise<WorkerProcess> {
  const { registry, counter } = createRegistry();
  counter('connections_total', 'Connections', [], () => count);
  const metrics: WorkerMetrics = {
    node: await registry.getMetricsAsJSON(),
    histograms: [],
    channels: { channels: [], columns: [] },
  };
  const worker = { number, state: 'serving', lastMetrics: metrics, metrics: async () => metrics };
  return worker as unknown as WorkerProcess;
}

test('what a worker had counted is told once, before another is in its place and after', async () => {
  const [first, other, successor] = await Promise.all([
    workerOf(0, 8),
    workerOf(1, 12),
    workerOf(0, 3),
  ]);
  const { metrics, workers } = metricsOf(first, other);
  const total = async () => {
    const page = (await metrics.page()).toString();
    return Number(/^streaming_connections_total (\d+)$/m.exec(page)?.[1]);
  };
  expect(await total()).toBe(20);
  metrics.workerEnded(first);
  expect(await total()).toBe(20);
  workers[0] = successor;
  expect(await total()).toBe(23);
});

test('a worker that dies while it is asked is counted once', async () => {
  const worker = await workerOf(0, 8);
  const asked = Promise.withResolvers<void>();
  const died = Promise.withResolvers<void>();
  const { lastMetrics } = worker;
  Object.assign(worker, {
    metrics: async () => {
      asked.resolve();
      await died.promise;
      return lastMetrics;
    },
  });
  const { metrics } = metricsOf(worker);
  const page = metrics.page();
  await asked.promise;
  metrics.workerEnded(worker);
  // Its counters are added meanwhile.
  setImmediate(died.resolve);
  expect((await page).toString()).toMatch(/^streaming_connections_total 8$/m);
});
