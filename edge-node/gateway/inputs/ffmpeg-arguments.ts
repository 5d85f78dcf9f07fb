import type { ChildSpec, FileSpec, HttpSpec } from '../../channel-lists/input-url.ts';

/** What ffmpeg is run for. */
export type FfmpegSpec = ChildSpec | HttpSpec | FileSpec;

/** ffmpeg gives up after so long without an answer; where it has no option for that, the gateway stops it. */
const PROTOCOL_TIMEOUT_US = 10_000_000;

const HTTP = ['http', 'https', 'tcp', 'tls', 'httpproxy', 'crypto', 'data'];
/** The protocols that a stream may lead ffmpeg to: files of this machine only where the input is such a file. */
const PROTOCOLS: Readonly<Record<string, readonly string[]>> = {
  http: HTTP,
  https: HTTP,
  rtmp: ['rtmp', 'tcp'],
  rtmpt: ['rtmpt', 'ffrtmphttp', 'http', 'tcp'],
  rtmps: ['rtmps', 'tls', 'tcp'],
  rtsp: ['rtsp', 'rtp', 'udp', 'tcp'],
  rtsps: ['rtsps', 'rtp', 'udp', 'tcp', 'tls'],
  srt: ['srt'],
  rist: ['rist'],
  file: ['file'],
};

/**
 * The command line that makes plain MPEG-TS of an input on ffmpeg's standard output, codecs untouched. One picture and
 * one sound: of a master playlist every variant would be fetched otherwise. PCRs stand 20 ms apart, with sound alone
 * too. It is an array and never passes a shell, since lists hold text from outside.
 */
export function ffmpegArguments(spec: FfmpegSpec): readonly string[] {
  const program = spec.program === undefined ? '' : `p:${spec.program}:`;
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'warning'],
    ...inputArguments(spec),
    ...['-map', `0:${program}v:0?`, '-map', `0:${program}a:0?`],
    ...['-c', 'copy', '-f', 'mpegts', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-pcr_period', '20', '-pes_payload_size', '0', '-flush_packets', '1', 'pipe:1'],
  ];
}

function inputArguments(spec: FfmpegSpec): string[] {
  if (spec.kind === 'file') {
    const loop = spec.loop ? ['-stream_loop', '-1'] : [];
    return [...whitelist('file'), ...loop, '-i', `file:${spec.path}`];
  }
  const scheme = schemeOf(spec.url);
  return [
    ...whitelist(scheme),
    ...timeoutArguments(scheme, spec.url),
    ...headerArguments(scheme, spec),
    ...['-i', spec.url],
  ];
}

const whitelist = (scheme: string): string[] => [
  '-protocol_whitelist',
  [...(PROTOCOLS[scheme] ?? []), 'pipe'].join(),
];

/** A listener waits for its caller for as long as it takes; SRT's times stand in its URL. */
function timeoutArguments(scheme: string, url: string): string[] {
  if (isListener(url)) return [];
  if (/^rtsps?$/.test(scheme)) {
    return ['-rtsp_transport', 'tcp', '-timeout', String(PROTOCOL_TIMEOUT_US)];
  }
  return /^(https?|rtmp.?)$/.test(scheme) ? ['-rw_timeout', String(PROTOCOL_TIMEOUT_US)] : [];
}

function headerArguments(scheme: string, { headers }: ChildSpec | HttpSpec): string[] {
  if (!/^https?$/.test(scheme)) return [];
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return lines.length === 0 ? [] : ['-headers', lines.join('')];
}

const schemeOf = (url: string): string => url.slice(0, url.indexOf(':')).toLowerCase();

/** Whether ffmpeg waits here for somebody to connect and send. */
export const isListener = (url: string): boolean => /[?&](mode=listener|listen=1)\b/.test(url);

/** A line of ffmpeg's without the parts of the input's URL and headers, which may hold users, keys and tokens anywhere. */
export function withoutSecrets(line: string, spec: FfmpegSpec): string {
  const known = spec.kind === 'file' ? [] : [spec.url, ...Object.values(spec.headers)];
  const parts = known.flatMap((text) => [text, ...text.split(/[/?&=@:#]/)]);
  const secrets = parts.filter((part) => part.length >= 4).sort((a, b) => b.length - a.length);
  return secrets
    .reduce((text, secret) => text.replaceAll(secret, '…'), line)
    .replace(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]+/gi, '…');
}
