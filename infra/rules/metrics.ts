import { collectDefaultMetrics, Registry } from 'prom-client';
import { read } from './tree.ts';

/** Every metric that an edge node has: ours as they are defined, and those of its runtime. */
export function servedMetrics(): Set<string> {
  const sources = ['metrics.ts', 'channel-metrics.ts', 'histogram-metrics.ts'].map((file) =>
    read(`edge-node/admin/${file}`),
  );
  const all = sources.join('\n');
  const plain = [...all.matchAll(/\b(?:counter|gauge)\(\s*'(\w+)'/g)].map(([, name]) => name);
  const histograms = [...all.matchAll(/\bhistogram\(\s*'(\w+)'/g)].flatMap(([, name]) =>
    ['', '_bucket', '_sum', '_count'].map((part) => `${name}${part}`),
  );
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ofRuntime = registry.getMetricsAsArray().map(({ name }) => name);
  return new Set([...[...plain, ...histograms].map((name) => `streaming_${name}`), ...ofRuntime]);
}

/** The metrics that a piece of text names. */
export function metricsIn(text: string): string[] {
  return text.match(/\b(?:streaming_(?!service)|nodejs_|process_)\w+/g) ?? [];
}
