import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metricsIn, servedMetrics } from './metrics.ts';
import { files, read } from './tree.ts';

const FOLDER = 'infra/docker/monitoring';

describe('monitoring', () => {
  const known = servedMetrics();

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
    const others = expressions.filter((expr) => metricsIn(expr).length === 0);
    expect(others.filter((expr) => !/\bup\{/.test(expr))).toEqual([]);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  test('every metric that the docs or the autoscaler name is served', () => {
    const pages = [
      ...files('*.md').filter((page) => page !== 'CHANGELOG.md'),
      ...files('infra/kubernetes/*.yaml'),
    ];
    const named = pages.flatMap((page) => metricsIn(read(page)));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
