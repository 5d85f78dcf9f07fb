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

/**
 * A registry with what prom-client tells of any process, and how to add metrics that are read when somebody asks: the
 * parts keep plain counters.
 */
export function createRegistry(): ProcessMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
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
