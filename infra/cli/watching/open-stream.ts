import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect, isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { type Address, nameOf } from '../../../shared/config/addresses.ts';
import { REFUSALS } from '../../../shared/errors.ts';
import type { ChannelId, UserId } from '../../../shared/ids.ts';
import { refusalOf, whyNot } from '../ask.ts';
import { CliError } from '../cli-error.ts';
import { shown } from '../terminal/table.ts';

const OPEN_WITHIN_MS = 10_000;
/** Longer than any refusal. */
const REFUSAL_MAX_BYTES = 512;
const REFUSAL_START = 'ERR ';

/** Whom TLS trusts: the certificates that Node knows, or these alone, as PEM. */
export interface Trust {
  readonly ca?: string;
}

export interface Viewer {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly token: string | undefined;
  /** How the other side proves who it is; undefined: not by TLS. */
  readonly tls: Trust | undefined;
  /** Aborted when nobody wants to watch any more. */
  readonly stop: AbortSignal;
}

function openLimit({ stop }: Viewer): AbortSignal {
  return AbortSignal.any([stop, AbortSignal.timeout(OPEN_WITHIN_MS)]);
}

/** Nobody has answered; or nobody would wait for that, which tells nothing of the other side. */
function notOpened(place: string, { stop, channelId }: Viewer, thrown: unknown): CliError {
  if (stop.aborted) return nothingCame(channelId);
  return new CliError(`${place} does not answer: ${whyNot(thrown)}`);
}

export function nothingCame(channelId: ChannelId): CliError {
  return new CliError(`nothing came of ${shown(channelId)}`);
}

/** Watches over 9111. @throws CliError where nobody answers */
export async function openByLine(address: Address, viewer: Viewer): Promise<Readable> {
  const { host, port } = address;
  const { tls } = viewer;
  const socket = tls
    ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...tls })
    : connect({ host, port });
  socket.setNoDelay(true);
  try {
    await once(socket, tls ? 'secureConnect' : 'connect', { signal: openLimit(viewer) });
  } catch (thrown) {
    socket.destroy();
    throw notOpened(nameOf(address), viewer, thrown);
  }
  const { userId, channelId, token } = viewer;
  socket.write(`${[userId, channelId, ...(token === undefined ? [] : [token])].join(' ')}\n`);
  return socket;
}

/** Watches over 9113. @throws CliError where nobody answers, or the viewer is refused */
export async function openByHttp(origin: string, viewer: Viewer): Promise<Readable> {
  const url = new URL(`${origin}/watch/${encodeURIComponent(viewer.channelId)}.ts`);
  url.searchParams.set('user', viewer.userId);
  if (viewer.tls) url.protocol = 'https:';
  const get = url.protocol === 'https:' ? httpsGet : httpGet;
  // In a header: a query stands in the logs of every proxy.
  const headers = viewer.token === undefined ? {} : { authorization: `Bearer ${viewer.token}` };
  const request = get(url, { headers, agent: false, ...viewer.tls });
  try {
    const opened = once(request, 'response', { signal: openLimit(viewer) });
    const [answer] = (await opened) as [IncomingMessage];
    // What breaks off later is told by whoever reads the answer.
    request.on('error', () => {});
    if (answer.statusCode === 200) return answer;
    throw new CliError(refusalOf(answer.statusCode ?? 0, await text(answer)));
  } catch (thrown) {
    request.on('error', () => {}).destroy();
    throw thrown instanceof CliError ? thrown : notOpened(url.origin, viewer, thrown);
  }
}

/**
 * The bytes of a channel out of those of 9111: what may become a refusal is kept back until it is known to be none.
 * @throws CliError with the refusal
 */
export async function* withoutRefusal(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let held: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (held === undefined) {
      yield chunk;
      continue;
    }
    held = Buffer.concat([held, chunk]);
    if (mayBeRefusal(held)) continue;
    yield held;
    held = undefined;
  }
  if (held === undefined || held.length === 0) return;
  const line = held.toString('latin1');
  const [, code = ''] = /^ERR (\w+) [^\n]*\n$/.exec(line) ?? [];
  if (Object.hasOwn(REFUSALS, code))
    throw new CliError(`refused: ${line.slice(REFUSAL_START.length).trim()}`);
  yield held;
}

function mayBeRefusal(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, REFUSAL_START.length);
  return bytes.length <= REFUSAL_MAX_BYTES && REFUSAL_START.startsWith(start);
}
