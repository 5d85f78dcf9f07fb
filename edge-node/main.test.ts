import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streaming-edge-main-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Starts an edge node as a process, which cannot start as it is set. */
function start(settings: Record<string, string>) {
  const env = {
    STORE: 'sqlite',
    SQLITE_PATH: join(folder, 'service.db'),
    USAGE_SPOOL_DIR: join(folder, 'spool'),
    LOG_LEVEL: 'fatal',
    STREAM_PORT: '0',
    WATCH_PORT: '0',
    ADMIN_PORT: '0',
    ...settings,
  };
  return promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts')], { env });
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

it('blames the channels file alone where that cannot be read', async () => {
  const path = join(folder, 'list.json');
  await writeFile(path, '[{"id"');
  await expect(start({ CHANNELS_FILE: path })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^\S+list\.json: .+\n$/),
  });
});

it.each(['STREAM', 'WATCH', 'ADMIN'])(
  'blames the host and port of %s alone where another has that port',
  async (name) => {
    await expect(start({ [`${name}_PORT`]: String(await takenPort()) })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`^${name}_HOST, ${name}_PORT: listen EADDRINUSE.+\n$`),
      ),
    });
  },
);
