import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { prometheusRule } from '../docs/prometheus-rule.ts';
import { files, prose, read } from './tree.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations: { readonly summary: string; readonly runbook_url?: string };
}

const { groups } = parse(read('infra/docker/monitoring/alerts.yml')) as {
  groups: { rules: Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);
const names = alerts.map(({ alert }) => alert);

function sections(): string[] {
  const headings = prose(read('docs/runbook.md')).matchAll(/^## (.*)$/gm);
  return [...headings].map(([, heading = '']) => heading);
}

test.each(alerts)('$alert says how urgent it is, and where to read on', (alert) => {
  expect(['critical', 'warning']).toContain(alert.labels?.severity);
  expect(alert.annotations.runbook_url).toBe(`docs/runbook.md#${alert.alert.toLowerCase()}`);
});

test('every alert has a section in the runbook, in the same order, and every section an alert', () => {
  expect(sections()).toEqual(names);
});

test('every section says what it means, what users notice, what to do and when it is over', () => {
  const parts = prose(read('docs/runbook.md'))
    .split(/^##? /m)
    .slice(2, names.length + 2);
  const marks = ['- __Means__: ', '- __Users__: ', '- __Do__: ', '- __Over__: '];
  const lacking = parts.filter((part) => !marks.every((mark) => part.includes(`\n${mark}`)));
  expect(lacking.map((part) => part.split('\n')[0])).toEqual([]);
});

test('every alert is played: quiet, firing, quiet again; what else is played stays quiet', () => {
  const tests = files('infra/docker/monitoring/tests/*.yml').flatMap((path) => {
    const parsed = parse(read(path)) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts?: object[] }[] }[];
    };
    return parsed.tests;
  });
  const played = tests.map(({ alert_rule_test: steps }) => [
    ...new Set(steps.map(({ alertname }) => alertname)),
    ...steps.map(({ exp_alerts = [] }) => exp_alerts.length),
  ]);
  const fires = played.filter((steps) => steps.some((fired) => Number(fired) > 0));
  expect(fires.sort()).toEqual(names.map((name) => [name, 0, 1, 0]).sort());
});

test('a target that vanishes is an alert itself, for its metrics vanish with it', () => {
  const jobs: { job_name: string }[] = parse(
    read('infra/docker/monitoring/prometheus.yml'),
  ).scrape_configs;
  const watched = jobs.filter(({ job_name }) =>
    alerts.some(({ expr }) => expr.startsWith(`absent(up{job="${job_name}"})`)),
  );
  expect(watched).toEqual(jobs);
});

describe('elsewhere', () => {
  test('the Prometheus Operator gets the same rules: npm run docs', () => {
    expect(read('infra/kubernetes/monitoring/prometheus-rule.yaml')).toBe(prometheusRule());
  });

  test('pods are scraped as the jobs that the rules ask for', () => {
    const { spec } = parse(read('infra/kubernetes/monitoring/pod-monitor.yaml'));
    expect(spec.jobLabel).toBe('app.kubernetes.io/name');
    const [{ values: jobs }] = spec.selector.matchExpressions;
    const asked = alerts.flatMap(({ expr }) => [...expr.matchAll(/job="([\w-]+)"/g)]);
    expect([...new Set(asked.map(([, job]) => job))].sort()).toEqual(jobs.toSorted());
    const scraped = spec.podMetricsEndpoints.map(({ port }: { port: string }) => port);
    for (const job of jobs) {
      const folder = { gateway: 'gateway', relay: 'components/fleet' }[job as string] ?? 'base';
      const [workload] = parseAllDocuments(read(`infra/kubernetes/${folder}/${job}.yaml`));
      const [{ ports }] = workload?.toJS().spec.template.spec.containers ?? [];
      const named = ports.map(({ name }: { name: string }) => name);
      expect([job, named.some((name: string) => scraped.includes(name))]).toEqual([job, true]);
    }
  });

  test('the alarms of ECS carry the names of the runbook', () => {
    const { Resources } = parse(read('infra/ecs/alarms.yaml'), { logLevel: 'silent' });
    const said = Object.values(Resources as Record<string, { Properties: object }>).map(
      ({ Properties }) => (Properties as { AlarmDescription: string }).AlarmDescription,
    );
    expect(said.filter((text) => !names.includes(text.split(':')[0] ?? ''))).toEqual([]);
  });
});
