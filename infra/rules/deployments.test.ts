import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig, SETTINGS } from '../../shared/config.ts';
import { HTTP_CLOSE_MS, STORE_SAVE_TIMEOUT_MS } from '../../shared/limits.ts';
import { compose, type Env, ecs, kubernetes, OVERLAYS } from './deployments.ts';
import { files, read } from './tree.ts';

/** Between the last thing that a process waits for at its stop, and its being killed. */
const SPARE_MS = 5_000;

const edgeNodes = [
  compose('edge-node'),
  compose('fleet-edge-node'),
  ...OVERLAYS.map((overlay) => kubernetes('edge-node', overlay)),
  ecs(),
];
const functions = [
  compose('functions'),
  ...OVERLAYS.map((overlay) => kubernetes('functions', overlay)),
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

describe.each(functions)('$name', ({ env, preStopMs, graceMs }) => {
  test('is not killed before it has answered what it was asked', () => {
    const { SERVER_DRAIN_MS } = loadConfig({ SERVER_DRAIN_MS: env.SERVER_DRAIN_MS });
    const needed = preStopMs + SERVER_DRAIN_MS + HTTP_CLOSE_MS + SPARE_MS;
    expect(graceMs).toBeGreaterThanOrEqual(needed);
  });
});

describe.each([...edgeNodes, ...functions])('$name', ({ env }) => {
  test('sets nothing that no service reads', () => {
    // The SDKs' own variables are theirs to read.
    const unknown = Object.keys(env).filter(
      (key) => !(key in SETTINGS) && !/^(AWS|OTEL)_/.test(key),
    );
    expect(unknown).toEqual([]);
  });
});

test('production drains in a minute wherever it runs', () => {
  const production = [kubernetes('edge-node', 'production'), kubernetes('edge-node', 'eks'), ecs()];
  expect(production.map(({ env }) => env.DRAIN_MS)).toEqual(['60000', '60000', '60000']);
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
