import { opendir } from 'node:fs/promises';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;
/** Values of a metric at the time of a scrape; one without labels has a single value. */
export type Read = () => number | Iterable<readonly [Labels, number]>;
/** Adds a metric; its name is told without the `streaming_` that all have. */
export type Define = (name: string, help: string, labelNames: string[], read: Read) => void;

interface ProcessMetrics {
  readonly registry: Registry;
  readonly counter: Define;
  readonly gauge: Define;
}

/** Of prom-client's own: each looks at every open file or handle in one turn of the event loop. */
const SLOW_WITH_MANY_SOCKETS = [
  'process_open_fds',
  ...['resources', 'handles', 'requests'].flatMap((kind) => [
    `nodejs_active_${kind}`,
    `nodejs_active_${kind}_total`,
  ]),
];
const FILES_AT_ONCE = 256;

/** Between so many of them other work has its turn: 20,000 at once would take 17 ms. */
async function countOpenFiles(): Promise<number> {
  let files = 0;
  for await (const _ of await opendir('/proc/self/fd', { bufferSize: FILES_AT_ONCE })) files += 1;
  const ownOfTheCount = 1;
  return files - ownOfTheCount;
}

/**
 * A registry with what prom-client tells of any process, and how to add metrics that are read when somebody asks: the
 * parts keep plain counters.
 */
export function createRegistry(): ProcessMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of SLOW_WITH_MANY_SOCKETS) registry.removeSingleMetric(name);
  if (process.platform === 'linux') {
    new Gauge({
      name: 'process_open_fds',
      help: 'Number of open file descriptors.',
      registers: [registry],
      async collect() {
        this.set(await countOpenFiles());
      },
    });
  }
  const define = (kind: typeof Counter | typeof Gauge): Define => {
    return (name, help, labelNames, read) => {
      new kind({
        name: `streaming_${name}`,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset();
          const values = read();
          if (typeof values === 'number') this.inc(values);
          else for (const [labels, value] of values) this.inc(labels, value);
        },
      });
    };
  };
  return { registry, counter: define(Counter), gauge: define(Gauge) };
}
