/**
 * Makes clips/*.mpegts, which are committed: `node infra/demo/media/make-clips.ts`. Needs ffmpeg 5 or newer with
 * libx264, and the DejaVu fonts.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { BITS_PER_SECOND, CLIP_NAMES, clipFile, PACKET_MS } from './clip.ts';
import { multiplex, type Unit } from './muxer.ts';
import type { Program } from './psi.ts';

/** Whole pictures (40 ms), frames of sound (64/3 ms) and payloads, so that the end joins the beginning. */
const CLIP_SECONDS = 8;
const WIDTH = 640;
const HEIGHT = 360;
const PICTURES_PER_SECOND = 25;
const VIDEO_BITS_PER_SECOND = 340_000;
const AUDIO_BITS_PER_SECOND = 64_000;
const SAMPLES_PER_SECOND = 48_000;
const FRAME_SAMPLES = 1024;
/** Sent together: one header for three. */
const FRAMES_PER_UNIT = 3;
const UNIT_MS = (FRAMES_PER_UNIT * FRAME_SAMPLES * 1000) / SAMPLES_PER_SECOND;
/** From the sending of a unit to its show. Pictures wait longer, since a key frame takes long to send. */
const VIDEO_DELAY_MS = 640;
const AUDIO_DELAY_MS = 320;

interface Look {
  readonly colours: readonly [string, string];
  readonly toneHz: number;
}
const LOOKS: Record<(typeof CLIP_NAMES)[number], Look> = {
  zato01: { colours: ['0x0b1f4b', '0x1670a8'], toneHz: 440 },
  zato02: { colours: ['0x3d0f3a', '0xc0492b'], toneHz: 550 },
};

function ffmpeg(...args: string[]): Buffer {
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-threads', '1'];
  return execFileSync('ffmpeg', [...quiet, ...args, 'pipe:1'], { maxBuffer: 64 * 1024 ** 2 });
}

/** The test picture: a gradient, the channel's name, a running clock, a sweep and colour bars. */
function picture(name: string, { colours: [dark, light] }: Look): string {
  const rate = `r=${PICTURES_PER_SECOND}:d=${CLIP_SECONDS}`;
  const corners = `x0=0:y0=0:x1=${WIDTH}:y1=${HEIGHT}`;
  const text = (font: string, size: number, value: string, y: number): string =>
    `drawtext=font=${font}:fontsize=${size}:text='${value}':fontcolor=white:x=(w-text_w)/2:y=${y}`;
  return [
    `gradients=s=${WIDTH}x${HEIGHT}:c0=${dark}:c1=${light}:${corners}:nb_colors=2:seed=1:speed=0.00001:${rate}[back]`,
    `smptehdbars=s=${WIDTH}x${HEIGHT}:${rate},crop=iw:48:0:0[bars]`,
    `color=white@0.3:s=${WIDTH}x6:${rate},format=yuva420p[track]`,
    `color=white:s=${WIDTH}x6:${rate}[sweep]`,
    '[back][bars]overlay=0:H-h[a]',
    '[a][track]overlay=0:H-54[b]',
    `[b][sweep]overlay=x='-W+W*t/${CLIP_SECONDS}':y=H-54[c]`,
    `[c]${text('DejaVu Sans', 96, name, 60)},${text('DejaVu Sans Mono', 52, '%{pts\\:hms}', 196)}[out]`,
  ].join(';');
}

function videoUnits(name: string, look: Look): Unit[] {
  const limits = `vbv-maxrate=${VIDEO_BITS_PER_SECOND / 1000}:vbv-bufsize=${VIDEO_BITS_PER_SECOND / 1000}`;
  const keys = `keyint=${PICTURES_PER_SECOND}:min-keyint=${PICTURES_PER_SECOND}:scenecut=0`;
  const stream = ffmpeg(
    ...['-filter_complex', picture(name, look), '-map', '[out]', '-t', `${CLIP_SECONDS}`],
    ...['-c:v', 'libx264', '-preset', 'slow', '-profile:v', 'main', '-pix_fmt', 'yuv420p'],
    ...['-b:v', `${VIDEO_BITS_PER_SECOND}`, '-bf', '0'],
    ...['-x264-params', `${keys}:${limits}:aud=1:threads=1`, '-f', 'h264'],
  );
  return splitPictures(stream).map((bytes, index) => {
    const fromMs = (index * 1000) / PICTURES_PER_SECOND;
    const random = index % PICTURES_PER_SECOND === 0;
    return { bytes, fromMs, shownMs: fromMs + VIDEO_DELAY_MS, random };
  });
}

/** A tone with a beep each second. From the second of three rounds, which begins as it ends. */
function audioUnits({ toneHz }: Look): Unit[] {
  const tone = `sine=f=${toneHz}:beep_factor=2:r=${SAMPLES_PER_SECOND}:d=${CLIP_SECONDS * 3},volume=-12dB`;
  const stream = ffmpeg(
    ...['-f', 'lavfi', '-i', tone, '-ac', '1', '-c:a', 'aac', '-b:a', `${AUDIO_BITS_PER_SECOND}`],
    ...['-f', 'adts'],
  );
  const frames = splitSound(stream);
  const perClip = (CLIP_SECONDS * SAMPLES_PER_SECOND) / FRAME_SAMPLES;
  const ahead = ((VIDEO_DELAY_MS - AUDIO_DELAY_MS) / UNIT_MS) * FRAMES_PER_UNIT;
  const first = perClip + 1 - ahead; // the encoder puts one frame before the first
  return Array.from({ length: perClip / FRAMES_PER_UNIT }, (_, index) => {
    const from = first + index * FRAMES_PER_UNIT;
    const fromMs = index * UNIT_MS;
    const bytes = Buffer.concat(frames.slice(from, from + FRAMES_PER_UNIT));
    return { bytes, fromMs, shownMs: fromMs + AUDIO_DELAY_MS, random: true };
  });
}

/** H.264 as it is in files: each picture begins with an access unit delimiter. */
function splitPictures(stream: Buffer): Buffer[] {
  const delimiter = Buffer.from([0, 0, 0, 1, 9]);
  const starts: number[] = [];
  for (let at = stream.indexOf(delimiter); at !== -1; at = stream.indexOf(delimiter, at + 1)) {
    starts.push(at);
  }
  return starts.map((start, index) => stream.subarray(start, starts[index + 1]));
}

/** AAC in ADTS: each frame tells its length, in 13 bits from the 31st on. */
function splitSound(stream: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = (stream.readUInt32BE(at + 2) >> 5) & 0x1fff;
    frames.push(stream.subarray(at, at + length));
    at += length;
  }
  return frames;
}

CLIP_NAMES.forEach((name, index) => {
  const program: Program = {
    number: index + 1,
    name,
    pmtPid: 0x1000,
    video: { pid: 0x100, type: 0x1b },
    audio: { pid: 0x101, type: 0x0f },
  };
  const payloads = (CLIP_SECONDS * 1000) / PACKET_MS;
  const look = LOOKS[name];
  const clip = multiplex(program, videoUnits(name, look), audioUnits(look), payloads);
  writeFileSync(clipFile(name), clip);
  console.log(
    `${clipFile(name)}: ${clip.length} bytes, ${CLIP_SECONDS} s at ${BITS_PER_SECOND} bit/s`,
  );
});
