import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SETTINGS } from '../../shared/config.ts';
import { parseInput } from '../channel-lists/input-url.ts';
import { ffmpegArguments, withoutSecrets } from './inputs/ffmpeg-arguments.ts';
import { eventually, type FeedListener, freeUdpPort, GatewayRig } from './testing/gateway-rig.ts';

/** What ffmpeg itself sends and the gateway receives. `.ci/run` installs it; on Debian: apt-get install ffmpeg. */
const FFMPEG = SETTINGS.FFMPEG_PATH.default;
const FFPROBE = 'ffprobe';
const CHANNEL = 'zato01';
const FILM_SECONDS = 4;
const run = promisify(execFile);

let folder = '';
let film = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-ffmpeg-'));
  film = join(folder, 'film.mkv');
  const picture = ['-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25'];
  const sound = ['-f', 'lavfi', '-i', 'sine'];
  const codecs = ['-c:v', 'mpeg2video', '-g', '12', '-c:a', 'mp2', '-t', String(FILM_SECONDS)];
  await run(FFMPEG, ['-v', 'error', ...picture, ...sound, ...codecs, film]);
});

afterAll(() => rm(folder, { recursive: true }));

/** Hashes of the pictures. */
async function pictures(path: string): Promise<string[]> {
  const hash = ['-map', '0:v', '-f', 'framehash', '-'];
  const { stdout } = await run(FFMPEG, ['-v', 'fatal', '-i', path, ...hash]);
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => line.split(',').at(-1)?.trim() ?? '');
}

async function picturesOf(edge: FeedListener): Promise<string[]> {
  const path = join(folder, `${Math.random()}.ts`);
  await writeFile(path, edge.bytesOf(CHANNEL));
  return pictures(path);
}

/** Sends the film at its pace; ends with the test at the latest. */
function send(...output: string[]) {
  const sender = spawn(FFMPEG, ['-v', 'error', '-re', '-i', film, '-c', 'copy', ...output]);
  onTestFinished(() => {
    sender.kill('SIGKILL');
  });
  return sender;
}

describe('by ffmpeg', () => {
  it('a film of any form is played at its pace, every picture of it', async () => {
    const rig = await GatewayRig.start([`${CHANNEL}=${film}`]);
    const edge = await rig.listen();
    await rig.gateway.ended;
    const { packets } = await rig.status();
    await eventually(() => edge.of(CHANNEL).length).toBe(packets);
    expect(packets).toBeGreaterThan(FILM_SECONDS * 50 * 0.97);
    expect(packets).toBeLessThanOrEqual(FILM_SECONDS * 50 * 1.02);
    expect(edge.breaksOf(CHANNEL)).toBe(0);
    expect(await picturesOf(edge)).toEqual(await pictures(film));
  });

  it('a film of MPEG-TS in a loop keeps its pictures in order: their time stamps go on', async () => {
    const loop = join(folder, 'loop.ts');
    await run(FFMPEG, ['-v', 'error', '-i', film, '-t', '1', '-c', 'copy', '-f', 'mpegts', loop]);
    const rig = await GatewayRig.start([`${CHANNEL}=${loop}?loop`]);
    const edge = await rig.listen();
    await eventually(() => edge.of(CHANNEL).length).toBeGreaterThan(3.5 * 50);
    const path = join(folder, 'looped.ts');
    await writeFile(path, edge.bytesOf(CHANNEL));
    const asked = ['-select_streams', 'v', '-show_entries', 'packet=dts', '-of', 'csv=p=0', path];
    const { stdout } = await run(FFPROBE, ['-v', 'error', ...asked]);
    const times = stdout.split('\n').map(Number.parseFloat).filter(Number.isFinite);
    expect(times.length).toBeGreaterThan(70);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(new Set(times).size).toBe(times.length);
    expect((await rig.status()).channels[0]?.jumps).toBe(0);
  });

  it('SRT is listened for, and goes on when its caller was killed and came back', async () => {
    const port = await freeUdpPort();
    const key = 'a-secret-passphrase';
    const url = `srt://127.0.0.1:${port}`;
    const rig = await GatewayRig.start([`${CHANNEL}=${url}?mode=listener&passphrase=${key}`]);
    const edge = await rig.listen();
    const call = () => send('-f', 'mpegts', `${url}?mode=caller&passphrase=${key}`);
    const received = async (bytes: number) => {
      // ffmpeg gives up where nobody listens yet: as a camera does, it calls again.
      let caller = call();
      const again = setInterval(() => {
        if (caller.exitCode !== null) caller = call();
      }, 200);
      await eventually(() => edge.bytesOf(CHANNEL).length).toBeGreaterThan(bytes);
      clearInterval(again);
      return caller;
    };
    (await received(50_000)).kill('SIGKILL');
    await received(edge.bytesOf(CHANNEL).length + 100_000);
    expect(edge.breaksOf(CHANNEL)).toBe(0);
    expect((await rig.status()).children).toBeLessThanOrEqual(1);
    expect(rig.lines.join('') + (await rig.get('/status'))).not.toContain(key);
  });

  it('HLS is played from a master playlist, asked for with the headers given', async () => {
    const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0'];
    const list = join(folder, 'film.m3u8');
    await run(FFMPEG, ['-v', 'error', '-i', film, '-c', 'copy', ...hls, list]);
    const asked = new Set<string>();
    const http = createServer(({ url = '', headers }, response) => {
      asked.add(String(headers['x-key']));
      const master = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nfilm.m3u8\n';
      if (url === '/master.m3u8') response.end(master);
      else if (existsSync(folder + url)) response.end(readFileSync(folder + url));
      else response.writeHead(404).end();
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      http.close();
    });
    const { port } = http.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/master.m3u8|X-Key=let-me-in`;
    const rig = await GatewayRig.start([`${CHANNEL}=${url}`]);
    const edge = await rig.listen();
    await eventually(() => edge.of(CHANNEL).length).toBeGreaterThan(FILM_SECONDS * 50 * 0.9);
    expect([...asked]).toEqual(['let-me-in']);
    expect(rig.lines.join('')).not.toMatch(/let-me-in|master/);
  });

  it('that cannot play an input says why, without what must not be told', async () => {
    const rig = await GatewayRig.start([`${CHANNEL}=rtmp://127.0.0.1:1/app/secret-key`]);
    await rig.listen();
    const reason = async () => (await rig.status()).channels[0]?.inputs[0]?.reason;
    await eventually(reason).toMatch(/^ffmpeg could not play it: /);
    expect(rig.lines.join('') + (await reason())).not.toContain('secret-key');
  });

  it('no process of it outlives a gateway that was killed', async () => {
    const port = await freeUdpPort();
    const gateway = spawn(
      process.execPath,
      [`${import.meta.dirname}/main.ts`, '--port', '0', `a=srt://127.0.0.1:${port}?mode=listener`],
      { env: { ...process.env, GATEWAY_ADMIN_PORT: '0' } },
    );
    const children = async () => {
      const path = `/proc/${gateway.pid}/task/${gateway.pid}/children`;
      return (await readFile(path, 'utf8').catch(() => '')).split(' ').filter(Boolean);
    };
    await eventually(async () => (await children()).length).toBe(1);
    const [child = ''] = await children();
    await eventually(() => readFile(`/proc/${child}/comm`, 'utf8')).toBe('ffmpeg\n');
    gateway.kill('SIGKILL');
    await eventually(() => readFile(`/proc/${child}/stat`, 'utf8').catch(() => 'gone')).toMatch(
      /^gone|\) Z /,
    );
  });
});

describe('what ffmpeg is told', () => {
  const argumentsOf = (text: string) => {
    const spec = parseInput(text);
    if (spec.kind === 'datagram' || spec.kind === 'stdin') throw new RangeError(text);
    return ffmpegArguments(spec);
  };

  it('lets a stream open nothing of this machine, and no protocol but its own', () => {
    const allowed = (text: string) => {
      const all = argumentsOf(text);
      return (all[all.indexOf('-protocol_whitelist') + 1] ?? '').split(',');
    };
    expect(allowed('https://h.example/x.m3u8')).not.toContain('file');
    expect(allowed('rtsp://h.example/x')).not.toContain('file');
    expect(allowed('srt://h.example:9000')).toEqual(['srt', 'pipe']);
    expect(allowed('film.mp4')).toEqual(['file', 'pipe']);
  });

  it('takes what a list holds as one argument, whatever it looks like', () => {
    const url = 'rtsp://h.example/x -y /etc/passwd; $(reboot)';
    expect(argumentsOf(url)).toContain(url);
    expect(argumentsOf('-y')).toContain('file:-y');
  });

  it('is not repeated where it holds a secret', () => {
    const spec = parseInput('srt://user:word1@h.example:9000?streamid=stream7&passphrase=key12345');
    if (spec.kind !== 'child') throw new RangeError(spec.kind);
    const line = `${spec.url}: bad stream7, user:word1, key12345 (https://other.example/x?token)`;
    expect(withoutSecrets(line, spec)).not.toMatch(/stream7|word1|key12345|token/);
  });
});
