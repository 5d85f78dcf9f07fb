import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig, SETTINGS } from '../../shared/config.ts';
import { HTTP_CLOSE_MS, STORE_SAVE_TIMEOUT_MS } from '../../shared/limits.ts';
import { files, read } from './tree.ts';

/** Between the last thing that a process waits for at its stop, and its being killed. */
const SPARE_MS = 5_000;

type Env = Readonly<Record<string, string>>;

interface Deployment {
  readonly name: string;
  readonly env: Env;
  /** From the order to stop until SIGTERM. */
  readonly preStopMs: number;
  /** From the order to stop until SIGKILL. */
  readonly graceMs: number;
  readonly tcpWmem: string | undefined;
}

type Service = 'edge-node' | 'functions';

function compose(service: Service): Deployment {
  const { services } = parse(read('docker-compose.yml'), { merge: true });
  const { environment, stop_grace_period, sysctls } = services[service];
  return {
    name: `docker-compose.yml, ${service}`,
    env: environment,
    preStopMs: 0,
    graceMs: Number.parseInt(stop_grace_period, 10) * 1000,
    tcpWmem: sysctls?.['net.ipv4.tcp_wmem'],
  };
}

/** A workload of the base as an overlay leaves it, without kustomize: its settings and its grace time. */
function kubernetes(service: Service, overlay: string): Deployment {
  const documents = parseAllDocuments(read(`infra/kubernetes/base/${service}.yaml`));
  const { template } = documents
    .map((document) => document.toJS())
    .find(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment').spec;
  const path = `infra/kubernetes/overlays/${overlay}/kustomization.yaml`;
  const { configMapGenerator, patches } = parse(read(path));
  const literals: string[] = configMapGenerator[0].literals;
  const patched = patches
    .filter(({ target }: { target: { name: string } }) => target.name === service)
    .flatMap(({ patch }: { patch: string }) => parse(patch))
    .find((operation: { path: string }) =>
      operation.path.endsWith('/terminationGracePeriodSeconds'),
    );
  const { securityContext, containers, terminationGracePeriodSeconds } = template.spec;
  return {
    name: `${path}, ${service}`,
    env: Object.fromEntries(literals.map((literal) => literal.split(/=(.*)/s, 2))),
    preStopMs: containers[0].lifecycle.preStop.sleep.seconds * 1000,
    graceMs: (patched?.value ?? terminationGracePeriodSeconds) * 1000,
    tcpWmem: securityContext.sysctls?.[0].value,
  };
}

function ecs(): Deployment {
  const { Resources } = parse(read('infra/ecs/edge-node.yaml'), { logLevel: 'silent' });
  const [container] = Resources.Task.Properties.ContainerDefinitions;
  const environment: { Name: string; Value: string }[] = container.Environment;
  return {
    name: 'infra/ecs/edge-node.yaml',
    env: Object.fromEntries(environment.map(({ Name, Value }) => [Name, Value])),
    preStopMs: 0,
    graceMs: container.StopTimeout * 1000,
    tcpWmem: container.SystemControls[0].Value,
  };
}

const edgeNodes = [
  compose('edge-node'),
  kubernetes('edge-node', 'local'),
  kubernetes('edge-node', 'production'),
  ecs(),
];
const functions = [
  compose('functions'),
  kubernetes('functions', 'local'),
  kubernetes('functions', 'production'),
];

describe.each(edgeNodes)('$name', ({ env, preStopMs, graceMs, tcpWmem }) => {
  test('is not killed before it has closed its users and stored or spooled their usage', () => {
    const { DRAIN_MS } = loadConfig(env.DRAIN_MS === undefined ? {} : { DRAIN_MS: env.DRAIN_MS });
    const needed = preStopMs + DRAIN_MS + STORE_SAVE_TIMEOUT_MS + SPARE_MS;
    expect(graceMs).toBeGreaterThanOrEqual(needed);
  });

  test('bounds what a user who stops reading takes, as docs/operations.md says', () => {
    expect(tcpWmem).toBe('4096 16384 262144');
    expect(read('docs/operations.md')).toContain(`tcp_wmem=${tcpWmem}`);
  });
});

describe.each(functions)('$name', ({ preStopMs, graceMs }) => {
  test('is not killed before it has answered what it was asked', () => {
    expect(graceMs).toBeGreaterThanOrEqual(preStopMs + HTTP_CLOSE_MS + SPARE_MS);
  });
});

describe.each([...edgeNodes, ...functions])('$name', ({ env }) => {
  test('sets nothing that no service reads', () => {
    const unknown = Object.keys(env).filter((key) => !(key in SETTINGS) && !key.startsWith('AWS_'));
    expect(unknown).toEqual([]);
  });
});

test('production drains in a minute wherever it runs', () => {
  const [production, fargate] = edgeNodes.slice(2);
  expect([production?.env.DRAIN_MS, fargate?.env.DRAIN_MS]).toEqual(['60000', '60000']);
});

test.each(files('*.yaml', '*.yml'))('%s is YAML without a duplicate key', (path) => {
  const documents = parseAllDocuments(read(path), { merge: true, logLevel: 'silent' });
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
});

test('what Docker makes of this project carries the label by which make drma, drmia and drmvu find it', () => {
  const { services, volumes, networks } = parse(read('docker-compose.yml'), { merge: true });
  for (const made of [services, volumes, networks].flatMap(Object.entries)) {
    const [name, { labels }] = made as [string, { labels?: Env }];
    expect([name, labels?.['com.streaming-service.project']]).toEqual([name, 'streaming-service']);
  }
  for (const dockerfile of files('infra/docker/*Dockerfile')) {
    expect(read(dockerfile)).toContain('LABEL com.streaming-service.project="streaming-service"');
  }
});

test('every manifest is named by its kustomization', () => {
  const named = files('infra/kubernetes/**/kustomization.yaml').flatMap((path) => {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const { resources } = parse(read(path)) as { resources: string[] };
    return [path, ...resources.map((resource) => folder + resource)];
  });
  const manifests = files('infra/kubernetes/base/*.yaml', 'infra/kubernetes/overlays/*.yaml');
  expect(manifests.filter((path) => !named.includes(path))).toEqual([]);
});
