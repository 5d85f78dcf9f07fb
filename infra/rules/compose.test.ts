import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { files, read } from './tree.ts';

interface ComposeService {
  readonly image: string;
  readonly build?: { readonly dockerfile: string; readonly target: string };
  readonly pull_policy?: string;
  readonly depends_on?: Readonly<Record<string, unknown>> | readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly ulimits?: object;
  readonly deploy?: { readonly resources: { readonly limits: { readonly cpus?: string } } };
}

const services = Object.entries(
  parse(read('docker-compose.yml'), { merge: true }).services as Record<string, ComposeService>,
);
const ours = services.filter(([, { image }]) => image.startsWith('streaming-service/'));

/** The services that are there before a service is, over however many steps. */
function before(name: string): string[] {
  const { depends_on = [] } = Object.fromEntries(services)[name] ?? {};
  const direct = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
  return [...direct, ...direct.flatMap(before)];
}

describe('an image of ours', () => {
  test.each([...new Set(ours.map(([, { image }]) => image))])('%s is built once', (image) => {
    const users = ours.filter(([, service]) => service.image === image);
    const builders = users.filter(([, { build }]) => build !== undefined);
    expect(builders.length).toBe(1);
    const [[builder = ''] = []] = builders;
    for (const [name] of users.filter(([name]) => name !== builder)) {
      expect([name, before(name).includes(builder)]).toEqual([name, true]);
    }
  });

  test('is never asked of a registry', () => {
    const asked = ours.filter(
      ([, { build, pull_policy }]) => pull_policy !== (build === undefined ? 'never' : 'build'),
    );
    expect(asked.map(([name]) => name)).toEqual([]);
  });

  test('for compose has nothing in it that Lambda alone needs', () => {
    const stages = new Map(
      read('infra/docker/functions.Dockerfile')
        .split(/^FROM /m)
        .slice(1)
        .map((stage) => [/^\S+ AS (\S+)/.exec(stage)?.[1] ?? '', stage] as const),
    );
    const made = (name: string): string[] => {
      const stage = stages.get(name) ?? '';
      const sources = [/^\S+/.exec(stage)?.[0] ?? '', ...fromStages(stage)];
      return [name, ...sources.filter((source) => stages.has(source)).flatMap(made)];
    };
    expect(made('lambda')).toContain('lambda-runtime');
    expect(made('functions').filter((name) => name.startsWith('lambda'))).toEqual([]);
    // The classic builder makes whatever stands before the target.
    const order = [...stages.keys()];
    expect(order.slice(0, order.indexOf('functions')).filter(isForLambda)).toEqual([]);
  });
});

function fromStages(stage: string): string[] {
  return [...stage.matchAll(/--from=(\S+)/g)].map(([, name = '']) => name);
}

function isForLambda(stage: string): boolean {
  return stage.startsWith('lambda');
}

describe('on any machine', () => {
  test('no service asks for more than one core, which a small host would refuse', () => {
    const greedy = services.filter(
      ([, { deploy }]) => Number(deploy?.resources.limits.cpus ?? 1) > 1,
    );
    expect(greedy.map(([name]) => name)).toEqual([]);
  });

  test('no service asks for more open files than the engine may give', () => {
    expect(services.filter(([, { ulimits }]) => ulimits !== undefined)).toEqual([]);
  });

  test('no health check starts a Node', () => {
    const checks = [
      ...services.map(([, { healthcheck }]) => JSON.stringify(healthcheck?.test ?? '')),
      ...files('infra/docker/*Dockerfile').flatMap(
        (path) => read(path).match(/^HEALTHCHECK(?:.*\\\n)*.*$/gm) ?? [],
      ),
    ];
    expect(checks.filter((check) => /\bnode\b/.test(check))).toEqual([]);
  });
});

test('every variable that the compose file takes stands in docs/deploy.md, with its default', () => {
  const taken = [...read('docker-compose.yml').matchAll(/\$\{(\w+):-([^}]*)\}/g)];
  expect(taken.length).toBeGreaterThan(5);
  const rows = read('docs/deploy.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const lacking = taken.filter(
    ([, name = '', fallback = '']) =>
      !rows.some((row) => row.includes(`\`${name}\``) && row.includes(fallback)),
  );
  expect(lacking.map(([all]) => all)).toEqual([]);
});
