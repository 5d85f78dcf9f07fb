import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { SETTINGS } from '../../../shared/config.ts';
import { eventually } from './gateway-rig.ts';

const FFMPEG = SETTINGS.FFMPEG_PATH.default;
const run = promisify(execFile);
/** Of a live list, as packagers keep them. */
const SEGMENTS_LISTED = 3;
const CALL_AGAIN_MS = 200;
const READ_AGAIN_MS = 90_000;

/** What the gateway is given, and how it is broken off and comes back. */
export interface KilledInput {
  readonly input: string;
  /** Resolves once it is sent, or read: for the first time, or again. */
  readonly start: () => Promise<void>;
  readonly kill: () => Promise<void>;
}

export async function ffmpeg(...args: readonly string[]): Promise<void> {
  await run(FFMPEG, ['-v', 'error', ...args]);
}

/** Plays a film in a loop at its pace to where the gateway listens; called again where nobody listened yet. */
export function sender(input: string, film: string, output: readonly string[]): KilledInput {
  let child: ChildProcess | undefined;
  const start = async () => {
    const source = ['-v', 'quiet', '-re', '-stream_loop', '-1', '-i', film, '-c', 'copy'];
    child = spawn(FFMPEG, [...source, ...output]);
  };
  const again = setInterval(() => {
    if (child !== undefined && child.exitCode !== null) void start();
  }, CALL_AGAIN_MS);
  const kill = async () => {
    const killed = child;
    child = undefined;
    if (killed === undefined || killed.exitCode !== null) return;
    killed.kill('SIGKILL');
    await once(killed, 'exit');
  };
  onTestFinished(async () => {
    clearInterval(again);
    await kill();
  });
  return { input, start, kill };
}

/** An input that the gateway has ffmpeg read: that is what is killed, and the gateway alone brings it back. */
export function readByFfmpeg(input: string): KilledInput {
  let killed = 0;
  return {
    input,
    // What was read ahead is played to its end first.
    start: async () => {
      const child = async () => (await childThatReads(input)) || killed;
      await eventually(child, READ_AGAIN_MS).not.toBe(killed);
    },
    kill: async () => {
      const child = async () => {
        killed = await childThatReads(input);
        return killed;
      };
      await eventually(child).not.toBe(0);
      process.kill(killed, 'SIGKILL');
    },
  };
}

/** @returns its process id, or 0 */
async function childThatReads(input: string): Promise<number> {
  for (const task of await readdir('/proc/self/task')) {
    const children = await readFile(`/proc/self/task/${task}/children`, 'utf8');
    for (const pid of children.split(' ').filter(Boolean)) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.includes(`${input}\0`)) return Number(pid);
    }
  }
  return 0;
}

/** Serves segments of a second as a live list, which goes on with the time: a reader that was away has missed some. */
export async function liveList(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  expect(names.length).toBeGreaterThan(SEGMENTS_LISTED);
  const beganMs = performance.now();
  const http = createServer(({ url = '' }, response) => {
    if (url !== '/live.m3u8') {
      createReadStream(join(folder, basename(url)))
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
      return;
    }
    const first = Math.floor((performance.now() - beganMs) / 1000);
    const listed = names.slice(first, first + SEGMENTS_LISTED);
    const head = ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:1'];
    const segments = listed.flatMap((name) => ['#EXTINF:1.0,', name]);
    response.end([...head, `#EXT-X-MEDIA-SEQUENCE:${first}`, ...segments, ''].join('\n'));
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/live.m3u8`;
}
