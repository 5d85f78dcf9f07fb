import { isIP } from 'node:net';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../shared/errors.ts';

/** HTTP headers to ask for an input with. */
export type Headers = Readonly<Record<string, string>>;

interface Common {
  /** What logs and `/status` call it: no user, password, key or path of a remote URL. */
  readonly label: string;
  /** The program to be taken out of a stream of several. */
  readonly program?: number;
}

export type DatagramSpec = Common & {
  readonly kind: 'datagram';
  /** Unicast: the address to listen on, undefined for all of IPv4. Multicast: the group. */
  readonly address?: string;
  readonly port: number;
  /** The only sender of the group to hear. */
  readonly source?: string;
  /** Name or address of the network interface. */
  readonly iface?: string;
};
export type HttpSpec = Common & {
  readonly kind: 'http';
  readonly url: string;
  readonly headers: Headers;
};
export type FileSpec = Common & {
  readonly kind: 'file';
  readonly path: string;
  readonly loop: boolean;
};
export type StdinSpec = Common & { readonly kind: 'stdin' };
/** An input that ffmpeg receives. */
export type ChildSpec = Common & {
  readonly kind: 'child';
  readonly url: string;
  readonly headers: Headers;
};

/** One input of a channel, as plain data: two that are the same compare equal as JSON. */
export type InputSpec = DatagramSpec | HttpSpec | FileSpec | StdinSpec | ChildSpec;

/** Whether several gateways may hear the same bytes. */
export const isShared = ({ kind }: InputSpec): boolean => kind === 'datagram';

const CHILD_SCHEMES: ReadonlySet<string> = new Set([
  ...['srt', 'rtmp', 'rtmps', 'rtmpt', 'rtsp', 'rtsps', 'rist'],
]);
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const HOST = String.raw`\[[\da-f:.]+(?:%[\w.-]+)?\]|[\w.-]*`;
const DATAGRAM = new RegExp(
  `^(?:udp|rtp)://(?:(${HOST})@)?(${HOST}):(\\d{1,5})/?(?:\\?(.*))?$`,
  'i',
);

/**
 * Reads what an operator or a list names an input by: `udp://[source@]group:port?iface=eth0`, `rtp://`, `http(s)://`,
 * `srt://` and the like, a file, or `-`. Options of ours are `program` and, of files, `loop`: they stand in the query,
 * with HTTP (where the query is the server's) behind `#`. `|User-Agent=…&Referer=…` adds HTTP headers.
 *
 * @param folder that relative paths begin at
 * @throws ConfigError that repeats no secret
 */
export function parseInput(text: string, folder = '.', headers: Headers = {}): InputSpec {
  if (text === '-') return { kind: 'stdin', label: 'standard input' };
  refuseNul(text);
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return parsePath(text, folder);
  if (scheme === 'udp' || scheme === 'rtp') return parseDatagram(text);
  const [address = '', suffix] = text.split('|', 2);
  const all = { ...headers, ...parseHeaders(suffix ?? '') };
  if (scheme === 'http' || scheme === 'https') return parseHttp(address, all);
  if (scheme === 'file') return parsePath(filePath(address), folder);
  if (!CHILD_SCHEMES.has(scheme)) {
    const known = ['udp', 'rtp', 'http', 'https', 'file', ...CHILD_SCHEMES].join(', ');
    throw new ConfigError(`${scheme}:// is not supported; inputs are a path, or URLs of ${known}`);
  }
  const [base = '', query = ''] = address.split(/\?(.*)/s, 2);
  const { program, rest } = takeProgram(query);
  const url = rest === '' ? base : `${base}?${rest}`;
  return { kind: 'child', url, headers: all, label: labelOf(address), ...program };
}

function parseDatagram(text: string): DatagramSpec {
  const [, from, host = '', port, query = ''] = DATAGRAM.exec(text) ?? [];
  const portNumber = Number(port);
  if (!(portNumber > 0 && portNumber < 65_536)) {
    throw new ConfigError(`${text} is not of the form udp://[source@]address:port`);
  }
  const address = unbracketed(host);
  const source = unbracketed(from ?? '');
  const { program, rest } = takeProgram(query);
  const iface = new URLSearchParams(rest).get('iface') ?? '';
  if (source !== '' && isIP(source) === 0) {
    throw new ConfigError(`${text}: the source before the @ must be an IP address`);
  }
  return {
    kind: 'datagram',
    port: portNumber,
    ...(address !== '' && { address }),
    ...(source !== '' && { source }),
    ...(iface !== '' && { iface }),
    ...program,
    label: text,
  };
}

function parseHttp(address: string, headers: Headers): HttpSpec | ChildSpec {
  const url = parseUrl(address);
  const { program } = takeProgram(url.hash.slice(1));
  url.hash = '';
  const isPlaylist = /\.(m3u8|mpd)$/i.test(url.pathname);
  return {
    kind: isPlaylist ? 'child' : 'http',
    url: url.href,
    headers,
    label: labelOf(address),
    ...program,
  };
}

function parsePath(text: string, folder: string): FileSpec {
  const [path = '', query = ''] = text.split(/\?(.*)/s, 2);
  if (path === '') throw new ConfigError('an input must name a file or a URL, not be empty');
  refuseNul(path); // a file:// URL may have hidden it
  const { program } = takeProgram(query);
  const loop = new URLSearchParams(query).has('loop');
  const full = isAbsolute(path) ? path : join(folder, path);
  return { kind: 'file', path: full, loop, label: path, ...program };
}

function takeProgram(query: string): { program: { program?: number }; rest: string } {
  const parts = query.split('&').filter((part) => part !== '');
  const given = parts.find((part) => part.startsWith('program='));
  if (given === undefined) return { program: {}, rest: query };
  const program = Number(given.slice('program='.length));
  if (!Number.isInteger(program) || program < 1 || program > 65_535) {
    throw new ConfigError('program= must be a whole number from 1 to 65535');
  }
  return { program: { program }, rest: parts.filter((part) => part !== given).join('&') };
}

/** `Name=value&Name=value`, percent-encoded or not. */
export function parseHeaders(text: string): Headers {
  const headers: Record<string, string> = {};
  for (const part of text.split('&')) {
    const [name = '', value] = part.split(/=(.*)/s, 2);
    if (value === undefined || !/^[\w-]+$/.test(name)) continue;
    headers[name] = printable(value);
  }
  return headers;
}

function printable(value: string): string {
  let decoded = value;
  try {
    decoded = decodeURIComponent(value);
  } catch {
    // Not encoded, then.
  }
  return decoded.replace(/[^\x20-\x7e]/g, '');
}

function filePath(address: string): string {
  const [url = '', query] = address.split(/\?(.*)/s, 2);
  try {
    return fileURLToPath(url) + (query === undefined ? '' : `?${query}`);
  } catch (cause) {
    throw new ConfigError('a file:// URL must name a file of this machine', { cause });
  }
}

function parseUrl(address: string): URL {
  try {
    return new URL(address);
  } catch {
    throw new ConfigError(`${labelOf(address)} is not a valid URL`); // the cause would show all of it
  }
}

/** No path and no argument of a process may hold one: Node throws where it is used, which may be minutes later. */
function refuseNul(text: string): void {
  if (text.includes('\0')) throw new ConfigError('an input cannot hold a byte of value 0');
}

const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** Users, paths and queries may all hold keys: nothing but scheme and host is shown. */
function labelOf(address: string): string {
  const [, scheme = '', host = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/(?:[^/?#]*@)?([^/?#@]*)/i.exec(address) ?? [];
  return `${scheme.toLowerCase()}://${host}/…`;
}
