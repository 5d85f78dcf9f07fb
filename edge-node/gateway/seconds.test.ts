import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freeUdpPorts } from '../../infra/local/free-ports.ts';
import type { UserId } from '../../shared/ids.ts';
import { PCR_HZ, readPcr } from '../mpeg-ts/pcr.ts';
import { headerAt, pcrOffset, TS_PACKET_BYTES } from '../mpeg-ts/ts-packet.ts';
import { EdgeRig } from '../testing/edge-rig.ts';
import { eventually, GatewayRig } from './testing/gateway-rig.ts';
import {
  ffmpeg,
  type KilledInput,
  liveList,
  readByFfmpeg,
  sender,
} from './testing/killed-inputs.ts';

const IS_LONG = process.env.E2E_LONG === '1';
/** What is played of each input at the least, before it is killed and after it came back. */
const STRETCH_SECONDS = IS_LONG ? 30 : 3;
const OUTAGE_MS = 1_000;
/** Longer than any PCR of these is away from the next. */
const INTERVAL_MOST = 0.5;
/** What a stream's clock goes on by at most: what ffmpeg skips of a list that it could not follow is time that passed. */
const CLOCK_SET_SECONDS = 5;
/** Of what was delivered. Of so short a time it is less than what no PCR tells: the last interval, and slots begun. */
const MOST_OFF = 0.01;
const ENDS_SECONDS = 0.06;
const CLIP_SECONDS = 4;
/** More than is played of any, and more than the gateway reads ahead: of the heavy film that is few seconds. */
const FILM_SECONDS = 150;
const HEAVY_FILM_SECONDS = IS_LONG ? 60 : 30;

/** Users of a busy machine skip nothing: it would be neither delivered nor billed, but the clock would go on. */
const LOGS = { CHANNEL_LOG_BYTES: '96MiB', EDGE_LOG_BYTES: '1GiB' };

let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-seconds-'));
  const sound = ['-f', 'lavfi', '-i', 'sine', '-c:a', 'mp2', '-b:a', '64k'];
  const clip = ['-t', String(CLIP_SECONDS)];
  const picture = ['-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25'];
  await ffmpeg(...picture, ...sound, '-c:v', 'mpeg2video', '-g', '25', ...clip, at('clip.mkv'));
  await ffmpeg(...sound, ...clip, at('radio.mkv'));
  const noise = ['-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=25,noise=alls=100:allf=t'];
  await ffmpeg(...noise, '-c:v', 'mpeg2video', '-q:v', '2', '-g', '1', '-t', '1', at('noise.mkv'));

  const loop = (name: string, seconds = FILM_SECONDS) => {
    return ['-stream_loop', '-1', '-i', at(name), '-t', String(seconds), '-c', 'copy'];
  };
  await ffmpeg(...loop('noise.mkv', HEAVY_FILM_SECONDS), at('heavy.mkv'));
  await ffmpeg(...loop('clip.mkv'), at('light.mkv'));
  await mkdir(at('hls'));
  const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0'];
  await ffmpeg(...loop('clip.mkv'), ...hls, '-hls_segment_filename', at('hls/%03d.ts'), at('list'));
});

afterAll(() => rm(folder, { recursive: true }));

/** Of what a user got, by the stream's own clock: what passed from one PCR to the next, and the most; jumps left out. */
function clockOf(bytes: Buffer): { readonly seconds: number; readonly interval: number } {
  let before: number | undefined;
  const passed: number[] = [];
  for (let packet = 0; packet + TS_PACKET_BYTES <= bytes.length; packet += TS_PACKET_BYTES) {
    const offset = pcrOffset(bytes, packet, headerAt(bytes, packet));
    if (offset === undefined) continue;
    const pcr = readPcr(bytes, offset) / PCR_HZ;
    if (before !== undefined && pcr > before && pcr < before + CLOCK_SET_SECONDS) {
      passed.push(pcr - before);
    }
    before = pcr;
  }
  return {
    seconds: passed.reduce((sum, seconds) => sum + seconds, 0),
    interval: Math.max(...passed.filter((seconds) => seconds < INTERVAL_MOST)),
  };
}

async function inputs(): Promise<Map<string, KilledInput>> {
  const ports = await freeUdpPorts(4);
  const [udp, rtp, srt, radio] = ports.map((port) => `127.0.0.1:${port}`);
  const clip = at('clip.mkv');
  const ts = ['-f', 'mpegts'];
  const made: [string, KilledInput][] = [
    ['udp', sender(`udp://${udp}`, clip, [...ts, `udp://${udp}?pkt_size=1316`])],
    ['rtp', sender(`rtp://${rtp}`, clip, ['-f', 'rtp_mpegts', `rtp://${rtp}`])],
    ['radio', sender(`udp://${radio}`, at('radio.mkv'), [...ts, `udp://${radio}?pkt_size=1316`])],
    ['hls', readByFfmpeg(await liveList(at('hls')))],
    ['heavy', readByFfmpeg(at('heavy.mkv'))],
  ];
  if (IS_LONG) {
    // ffmpeg listens to SRT for five seconds before it hands on anything.
    made.push(['srt', sender(`srt://${srt}?mode=listener`, clip, [...ts, `srt://${srt}`])]);
    made.push(['light', readByFfmpeg(at('light.mkv'))]);
  }
  return new Map(made);
}

it('the seconds of each kind of input that was killed and came back are those of the stream that was delivered', async () => {
  const all = await inputs();
  const names = Array.from(all, ([channel, { input }]) => `${channel}=${input}`);
  const gateway = await GatewayRig.start(names, { SILENCE_MS: '2000' });
  const source = { CHANNEL_SOURCE_HOST: `127.0.0.1:${gateway.port}` };
  const rig = await EdgeRig.start({ ...source, ...LOGS }, 'away');
  const channels = [...all.keys()];
  const users = new Map(
    await Promise.all(
      channels.map(async (channel) => {
        rig.store.registered.add(`of-${channel}`);
        return [channel, rig.connect(`of-${channel} ${channel}`)] as const;
      }),
    ),
  );
  const secondsOf = async (channel: string) =>
    (await rig.status(`of-${channel}`)).users[0]?.seconds ?? 0;

  await eventually(() => rig.metric('users')).toBe(users.size);
  await Promise.all(
    Array.from(all, async ([channel, { start, kill }]) => {
      await start();
      await eventually(() => secondsOf(channel), 90_000).toBeGreaterThan(STRETCH_SECONDS);
      await kill();
      await sleep(OUTAGE_MS);
      await start();
      const after = (await secondsOf(channel)) + STRETCH_SECONDS;
      await eventually(() => secondsOf(channel), 90_000).toBeGreaterThan(after);
    }),
  );
  await gateway.stop();
  await eventually(() => rig.metric('source_connected')).toBe(0);
  await eventually(() => rig.metric('channel_held_packets')).toBe(0);
  await rig.stop();
  await eventually(() => [...users.values()].every(({ isEnded }) => isEnded)).toBe(true);

  const judged = Array.from(users, ([channel, { bytes }]) => {
    const { seconds, interval } = clockOf(bytes);
    const billed = rig.store.totalMs(`of-${channel}` as UserId) / 1000;
    const isRight =
      Math.abs(billed - seconds) <= Math.max(seconds * MOST_OFF, interval + ENDS_SECONDS);
    return { channel, delivered: seconds, billed, isRight };
  });
  expect(judged.filter(({ isRight }) => !isRight)).toEqual([]);
  const least = 2 * STRETCH_SECONDS - 1;
  expect(judged.filter(({ delivered }) => delivered < least)).toEqual([]);
}, 300_000);
