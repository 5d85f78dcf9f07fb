import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PAYLOAD_BYTES } from './media/clip.ts';

let folder: string;
let demo: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
});
afterEach(() => {
  demo.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The demo on ports that nobody has, writing to a folder of its own. */
function start(env: Record<string, string>) {
  const ports = {
    SERVER_PORT: '0',
    STREAM_PORT: '0',
    WATCH_PORT: '0',
    ADMIN_PORT: '0',
    CHANNEL_SOURCE_PORT: '0',
  };
  demo = spawn(process.execPath, [`${import.meta.dirname}/demo.ts`], {
    env: { ...process.env, ...ports, DEMO_DIR: folder, STORE: 'sqlite', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { exited: once(demo, 'exit'), output: text(demo.stdout!) };
}

/** Process ids of the source, functions and the edge node, once all three run. */
async function services(): Promise<{ pid: number; name: string }[]> {
  for (;;) {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split(
      '\n',
    );
    const found = lines
      .map((line) => line.trim().split(/\s+/))
      .filter(([, parent]) => Number(parent) === demo.pid)
      .map(([pid, , ...args]) => ({ pid: Number(pid), name: args.join(' ') }))
      .filter(({ name }) => name.includes('tether'));
    if (found.length === 3) return found;
    await sleep(20);
  }
}

/** Zombies have ended, too: who reaps them is not ours. */
function runs(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(runs)) await sleep(20);
}

async function watching(): Promise<void> {
  const file = `${folder}/user-1.ts`;
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) await sleep(20);
}

describe('make demo', () => {
  it('ends with 0 when all holds, beside others who have the usual ports', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { exited, output } = start({ DEMO_SECONDS: '2', SERVER_PORT: String(port) });
    expect(await output).toContain(`(${port} is taken)`);
    expect(await exited).toEqual([0, null]);
    other.close();

    const lines = (await output).split('\n');
    for (const [user, channel] of [
      ['user-1', 'zato01'],
      ['user-5', 'zato02'],
    ] as const) {
      const bytes = statSync(`${folder}/${user}.ts`).size;
      const seconds = (bytes / PAYLOAD_BYTES) * 0.02;
      const row = [user, channel, bytes.toLocaleString('en'), seconds.toFixed(2), '0', '0'].join(
        ' ',
      );
      const line = lines
        .find((text) => text.trim().startsWith(user))
        ?.replaceAll(/\s+/g, ' ')
        .trim();
      expect(line).toBe(`${row} ${channel} ${Math.floor(seconds)} s ✓`);
    }
    expect(statSync(`${folder}/user-3.ts`).size).toBe(0);
  });

  it('ends with 1 and names the service that died', async () => {
    const { exited, output } = start({ DEMO_SECONDS: '60' });
    const edge = (await services()).find(({ name }) => name.includes('edge-node/main.ts'));
    await watching();
    process.kill(edge!.pid, 'SIGKILL');
    expect(await exited).toEqual([1, null]);
    expect(await output).toMatch(/✗ edge-node ended by SIGKILL: see .*edge-node\.log/);
  });

  it.each([
    ['SIGINT', [130, null]],
    ['SIGKILL', [null, 'SIGKILL']],
  ] as const)('leaves nothing running after %s', async (signal, status) => {
    const { exited } = start({ DEMO_SECONDS: '60' });
    const pids = (await services()).map(({ pid }) => pid);
    await watching();
    demo.kill(signal);
    expect(await exited).toEqual(status);
    await gone(pids);
  });

  it('with DEMO_SECONDS=0 serves both pages until it is stopped, and keeps nothing', async () => {
    const { exited } = start({ DEMO_SECONDS: '0' });
    let said = '';
    demo.stdout!.on('data', (part) => {
      said += part;
    });
    const shown = () => [...said.matchAll(/^ {2}(?:Watch|Look on) +(http:\S+)/gm)];
    while (shown().length < 2) await sleep(20);
    const pids = (await services()).map(({ pid }) => pid);
    for (const [, url = ''] of shown()) expect((await fetch(url)).status).not.toBe(401);
    demo.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    await gone(pids);
    expect(statSync(`${folder}/user-1.ts`, { throwIfNoEntry: false })).toBeUndefined();
  });

  it.each([
    [{ DEMO_SECONDS: 'ten' }, 'DEMO_SECONDS must be a whole number'],
    [{ ADMIN_PORT: '-1' }, 'ADMIN_PORT must be a port'],
    [{ STORE: 'punch-cards' }, 'STORE must be one of'],
  ])('says in one line what is wrong with %o', async (env, line) => {
    const { exited, output } = start(env);
    expect(await exited).toEqual([1, null]);
    expect(await output).toContain(line);
  });
});
