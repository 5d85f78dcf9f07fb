import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { EdgeRig } from '../../edge-node/testing/edge-rig.ts';
import { Feed } from '../../edge-node/testing/feed.ts';
import { ScriptedSource } from '../../edge-node/testing/scripted-source.ts';
import { startHttpService } from '../../functions/http-service.ts';
import { loadConfig } from '../../shared/config.ts';
import { createLogger } from '../../shared/logger.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { cli } from './testing/run-cli.ts';

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly advice?: string;
}

let folder: string;
let source: ScriptedSource;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streaming-doctor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  source = new ScriptedSource();
  await source.listen();
  onTestFinished(() => source.close());
  env = {
    STORE: 'sqlite',
    SQLITE_PATH: join(folder, 'service.db'),
    USAGE_SPOOL_DIR: join(folder, 'spool'),
    CHANNEL_SOURCE_HOST: '127.0.0.1',
    CHANNEL_SOURCE_PORT: String(source.port),
    MAX_USERS: '10',
    SERVER_PORT: '0',
    STREAM_PORT: '0',
    WATCH_PORT: '0',
    ADMIN_PORT: '0',
  };
});

async function findings(settings: Record<string, string> = {}) {
  const { code, out } = await cli(['doctor', '--json'], { ...env, ...settings });
  const list = JSON.parse(out) as Finding[];
  return { code, of: (name: string) => list.find((finding) => finding.name === name) };
}

it('finds nothing wrong where nothing is, and makes nothing', async () => {
  const sending = setInterval(() => source.send(new Feed('zato01').make(1)), 20);
  onTestFinished(() => clearInterval(sending));
  const { code, out } = await cli(['doctor'], env);
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, 8).trim()),
  ).toEqual(Array.from({ length: 10 }, () => 'ok'));
  expect(code).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});

it('tells each problem with what to do, and ends with 1', async () => {
  const other = createServer((socket) => void socket.on('error', () => {}).end('SSH-2.0\r\n'));
  await once(other.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void other.close());
  const port = String((other.address() as AddressInfo).port);
  await writeFile(join(folder, 'file'), '');
  await source.close();
  const { code, of } = await findings({
    SERVER_PORT: port,
    STREAM_HOST: '192.0.2.1',
    STREAM_PORT: '19111',
    USAGE_SPOOL_DIR: join(folder, 'file'),
    SQLITE_PATH: join(folder, 'file', 'service.db'),
    MAX_USERS: '1000000',
  });
  expect(code).toBe(1);
  expect(of(`${port} functions`)).toMatchObject({
    ok: false,
    advice: expect.stringMatching(/SERVER_PORT/),
  });
  expect(of('19111 users')).toMatchObject({
    ok: false,
    advice: expect.stringMatching(/STREAM_HOST/),
  });
  expect(of('source')).toMatchObject({
    ok: false,
    advice: expect.stringMatching(/npm run gateway/),
  });
  expect(of('spool folder')).toMatchObject({ ok: false });
});

it('knows the parts of the service that run, and asks the edge node for its source', async () => {
  const service = await startHttpService({
    config: loadConfig({ SERVER_PORT: '0', SERVER_DRAIN_MS: '0' }),
    store: new MemoryStore(),
    logger: createLogger('fatal', 'functions'),
    droppedLogLines: () => 0,
  });
  onTestFinished(() => service.stop());
  const rig = await EdgeRig.start();
  rig.source.send(new Feed('zato01').make(1));
  await rig.eventually(() => rig.metric('channels')).toBe(1);
  const ports = [service.origin, `tcp://127.0.0.1:${rig.usersPort}`, rig.watchOrigin, rig.origin];
  const [server = '', stream = '', watch = '', admin = ''] = ports.map((at) => new URL(at).port);
  const { of } = await findings({
    SERVER_PORT: server,
    STREAM_PORT: stream,
    WATCH_PORT: watch,
    ADMIN_PORT: admin,
  });
  expect(of(`${server} functions`)).toMatchObject({ ok: true, detail: 'answers' });
  expect(of(`${stream} users`)).toMatchObject({ ok: true, detail: 'takes connections' });
  expect(of(`${watch} players`)).toMatchObject({ ok: true, detail: 'answers' });
  expect(of(`${admin} admin`)).toMatchObject({ ok: true, detail: 'answers' });
  expect(of('source')?.detail).toMatch(/^the edge node is connected/);
  expect(rig.source.connections).toBe(1);
});

it('tells a source that says nothing', async () => {
  const { of } = await findings();
  expect(of('source')?.detail).toMatch(/takes connections and sends nothing$/);
});

it('looks at nothing else where a setting cannot be read', async () => {
  const { code, out } = await cli(['doctor'], { ...env, STREAM_PORT: 'x' });
  expect(code).toBe(1);
  expect(out).toMatch(/^problem {2}settings {2}STREAM_PORT must be /);
});
