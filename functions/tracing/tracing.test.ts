import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import { LogLimiter } from '../../shared/logger.ts';
import { FakeDynamoDb } from '../../shared/store/dynamodb/testing/fake-dynamodb.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { startHttpService } from '../http-service.ts';
import { openTracing } from './open-tracing.ts';
import { tracingSettings } from './settings.ts';
import { TraceCollector } from './testing/trace-collector.ts';

const CALLER = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };
const TRACEPARENT = { traceparent: `00-${CALLER.trace}-${CALLER.span}-01` };
const SERVER = 2;
const CLIENT = 3;

let collector: TraceCollector;
beforeEach(async () => {
  collector = new TraceCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', await collector.listen());
});
afterEach(() => {
  vi.unstubAllEnvs();
  collector.close();
});

async function service(settings: Readonly<Record<string, string>> = {}) {
  const store = new MemoryStore();
  const lines: { msg: string; err?: { message: string } }[] = [];
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  const config = loadConfig({
    STORE: 'sqlite',
    SERVER_PORT: '0',
    SERVER_DRAIN_MS: '0',
    ...settings,
  });
  const { origin, stop } = await startHttpService({
    config,
    store,
    logger,
    droppedLogLines: () => 0,
  });
  return { store, lines, origin, stop };
}

/** What a request that is over has handed over, or is about to: a stop waits for the collector half a second at most. */
const handedOver = (count: number) =>
  vi.waitFor(() => expect(collector.spans).toHaveLength(count), { timeout: 20_000 });

describe('a request', () => {
  it('is a span of the trace of whoever asked, and what it asks of the store one within it', async () => {
    const { origin, stop } = await service();
    const asked = { method: 'POST', body: 'user-1', headers: TRACEPARENT };
    expect((await fetch(`${origin}/register`, asked)).status).toBe(200);
    await fetch(`${origin}/usage/user-1`);
    await fetch(`${origin}/readyz`);
    await stop();
    await handedOver(4);
    const spans = collector.spans.toSorted((a, b) => a.name.localeCompare(b.name));
    const ofName = (name: string) => spans.filter((span) => span.name === name);
    expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
      ['GET /usage/:userId', SERVER],
      ['POST /register', SERVER],
      ['readUsage', CLIENT],
      ['register', CLIENT],
    ]);
    const [registering] = ofName('POST /register');
    expect(registering).toMatchObject({
      trace: CALLER.trace,
      parent: CALLER.span,
      isError: false,
      service: 'functions',
      attributes: { 'http.route': '/register', 'http.response.status_code': 200 },
    });
    expect(ofName('register')).toMatchObject([
      {
        trace: CALLER.trace,
        parent: registering?.id,
        attributes: { 'db.system.name': 'sqlite', 'db.operation.name': 'register' },
      },
    ]);
    const [telling] = ofName('GET /usage/:userId');
    expect(telling?.parent).toBe('');
    expect(ofName('readUsage')).toMatchObject([{ trace: telling?.trace, parent: telling?.id }]);
    // Whoever may read traces need not learn who watches.
    expect(JSON.stringify(spans)).not.toContain('user-1');
  });

  it('that the store fails is an error, and so is the asking', async () => {
    const { store, origin, stop } = await service();
    store.mode = 'failing';
    expect((await fetch(`${origin}/usage/user-1`)).status).toBe(500);
    await stop();
    await handedOver(2);
    expect(collector.spans.map(({ name, isError }) => [name, isError]).toSorted()).toEqual([
      ['GET /usage/:userId', true],
      ['readUsage', true],
    ]);
  });

  it('of many at once keeps to its own trace', async () => {
    const { origin, stop } = await service();
    const ids = Array.from({ length: 20 }, (_, i) => `user-${i}`);
    await Promise.all(ids.map((id) => fetch(`${origin}/register`, { method: 'POST', body: id })));
    await stop();
    await handedOver(2 * ids.length);
    const servers = new Map(
      collector.spans.filter(({ kind }) => kind === SERVER).map(({ id, trace }) => [id, trace]),
    );
    const clients = collector.spans.filter(({ kind }) => kind === CLIENT);
    expect(servers.size).toBe(ids.length);
    expect(new Set(clients.map(({ parent }) => parent)).size).toBe(ids.length);
    expect(clients.filter(({ parent, trace }) => servers.get(parent) !== trace)).toEqual([]);
  });
});

it('a collector that never answers costs no request, and a stop half a second', async () => {
  collector.answers = false;
  const { origin, stop, lines } = await service();
  expect((await fetch(`${origin}/usage/user-1`)).status).toBe(200);
  await stop();
  expect(lines.filter(({ msg }) => msg.startsWith('traces'))).toMatchObject([
    { err: { message: expect.stringContaining('no answer within 500 ms') } },
  ]);
});

describe('in Lambda', () => {
  beforeEach(async () => {
    const database = await new FakeDynamoDb(() => ({})).start();
    onTestFinished(() => database.stop());
    vi.stubEnv('AWS_ENDPOINT_URL', process.env.AWS_ENDPOINT_URL ?? '');
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('STORE', 'dynamodb');
    vi.stubEnv('LOG_LEVEL', 'fatal');
  });
  const event = {
    version: '2.0',
    rawPath: '/register',
    headers: TRACEPARENT,
    requestContext: { http: { method: 'POST' } },
    body: 'user-1',
  };

  it('spans have been handed over when the answer is given: the process may be frozen then', async () => {
    const { lambdaFunction } = await import('../lambda/function.ts');
    const { registerRoute } = await import('../register.ts');
    const handler = lambdaFunction(registerRoute);
    // The limit on the wait for the collector never comes, however busy the machine is.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    expect(await handler(event, {})).toMatchObject({ statusCode: 200 });
    expect(collector.spans.map(({ name, trace }) => [name, trace]).toSorted()).toEqual([
      ['POST /register', CALLER.trace],
      ['register', CALLER.trace],
    ]);
  });

  it('a collector that never answers is waited for once', async () => {
    collector.answers = false;
    const { lambdaFunction } = await import('../lambda/function.ts');
    const { registerRoute } = await import('../register.ts');
    const handler = lambdaFunction(registerRoute);
    for (let n = 0; n < 3; n += 1) {
      expect(await handler(event, {})).toMatchObject({ statusCode: 200 });
    }
    await vi.waitFor(() => expect(collector.requests).toBe(1), { timeout: 20_000 });
  });
});

describe('the variables', () => {
  const ON = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

  it.each([
    ['none at all', {}],
    ['the SDK is disabled', { ...ON, OTEL_SDK_DISABLED: 'true' }],
    ['no exporter', { ...ON, OTEL_TRACES_EXPORTER: 'none' }],
    ['a service name alone', { OTEL_SERVICE_NAME: 'any' }],
  ])('%s: no traces, and nothing is loaded', async (_what, env) => {
    const limiter = new LogLimiter(pino({ level: 'silent' }));
    expect(await openTracing({ env, store: 'sqlite', limiter })).toBeUndefined();
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, { sampler: 'always_on', followsCaller: true }],
    [
      { ...ON, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '.25' },
      { ratio: 0.25, followsCaller: false },
    ],
    [{ ...ON, OTEL_PROPAGATORS: 'none' }, { takesContext: false }],
    [{ ...ON, OTEL_SERVICE_NAME: 'tv' }, { serviceName: undefined }],
    [{ ...ON, OTEL_RESOURCE_ATTRIBUTES: 'a=b,service.name=tv' }, { serviceName: undefined }],
  ])('%o', (env, expected) => {
    expect(tracingSettings(env)).toMatchObject(expected);
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['OTEL_BSP_SCHEDULE_DELAY', 'soon'],
  ])('%s=%s stops the start with one line', (name, value) => {
    const reading = () => tracingSettings({ ...ON, [name]: value });
    expect(reading).toThrow(ConfigError);
    expect(reading).toThrow(new RegExp(`^${name} must be .*, not "${value}"$`));
  });
});
