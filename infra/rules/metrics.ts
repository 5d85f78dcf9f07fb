import { createRegistry } from '../../shared/metrics/registry.ts';
import { files, read } from './tree.ts';

/** Every metric that an edge node, a gateway or functions have: ours as they are defined, and those of the runtime. */
export function servedMetrics(): Set<string> {
  const all = files('edge-node/*metrics.ts', 'functions/*metrics.ts').map(read).join('\n');
  const plain = [
    ...all.matchAll(/\b(?:counter|gauge)\(\s*'(\w+)'/g),
    ...all.matchAll(/\bnew Counter\(\{\s*name: 'streaming_(\w+)'/g),
  ].map(([, name]) => name);
  const histograms = [...all.matchAll(/\bhistogram\(\s*'(\w+)'/g)].flatMap(([, name]) =>
    ['', '_bucket', '_sum', '_count'].map((part) => `${name}${part}`),
  );
  const { registry } = createRegistry();
  const ofRuntime = registry.getMetricsAsArray().map(({ name }) => name);
  return new Set([...[...plain, ...histograms].map((name) => `streaming_${name}`), ...ofRuntime]);
}

/** The metrics that a piece of text names. */
export function metricsIn(text: string): string[] {
  return text.match(/\b(?:streaming_(?!service)|nodejs_|process_)\w+/g) ?? [];
}
