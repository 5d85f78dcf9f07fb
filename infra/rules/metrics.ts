import { collectDefaultMetrics, Registry } from 'prom-client';
import { read } from './tree.ts';

/** Every metric that an edge node has: ours as they are defined, and those of its runtime. */
export function servedMetrics(): Set<string> {
  const sources = ['metrics.ts', 'channel-metrics.ts'].map((file) =>
    read(`edge-node/admin/${file}`),
  );
  const defined = sources.join('\n').matchAll(/\b(?:counter|gauge)\(\s*'(\w+)'/g);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ofRuntime = registry.getMetricsAsArray().map(({ name }) => name);
  return new Set([...[...defined].map(([, name]) => `streaming_${name}`), ...ofRuntime]);
}

/** The metrics that a piece of text names. */
export function metricsIn(text: string): string[] {
  return text.match(/\b(?:streaming_(?!service)|nodejs_|process_)\w+/g) ?? [];
}
