import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { read } from './tree.ts';

const FOLDER = 'infra/docker/monitoring';

/** Every metric that an edge node has: ours as they are defined, and those of its runtime. */
function exported(): Set<string> {
  const defined = read('edge-node/admin/metrics.ts').matchAll(/\b(?:counter|gauge)\(\s*'(\w+)'/g);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ofRuntime = registry.getMetricsAsArray().map(({ name }) => name);
  return new Set([...[...defined].map(([, name]) => `streaming_${name}`), ...ofRuntime]);
}

function metricsIn(expression: string): string[] {
  return expression.match(/\b(?:streaming|nodejs|process)_\w+/g) ?? [];
}

describe('monitoring', () => {
  const known = exported();

  test('every panel of the dashboard asks for metrics that an edge node has', () => {
    const { panels } = JSON.parse(read(`${FOLDER}/grafana/dashboards/streaming-service.json`)) as {
      panels: { targets: { expr: string }[] }[];
    };
    const asked = panels.map(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr)));
    expect(asked.filter((names) => names.length === 0)).toEqual([]);
    expect(asked.flat().filter((name) => !known.has(name))).toEqual([]);
  });

  test('every alert asks for metrics that an edge node has', () => {
    const { groups } = parse(read(`${FOLDER}/alerts.yml`));
    const expressions: string[] = groups[0].rules.map(({ expr }: { expr: string }) => expr);
    const asked = expressions.flatMap(metricsIn);
    expect(asked.length).toBeGreaterThanOrEqual(expressions.length - 1);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });
});
