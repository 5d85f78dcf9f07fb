import { X509Certificate } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidArgumentError } from 'commander';
import { monotonicMs } from '../../../shared/clock.ts';
import { asError, reasonOf } from '../../../shared/errors.ts';
import type { ChannelId, UserId } from '../../../shared/ids.ts';
import { addressArgument, originArgument } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import { places } from '../places.ts';
import { note, say, sayJson } from '../terminal/print.ts';
import { shown } from '../terminal/table.ts';
import {
  nothingCame,
  openByHttp,
  openByLine,
  type Trust,
  type Viewer,
  withoutRefusal,
} from '../watching/open-stream.ts';
import { figuresText, Progress } from '../watching/progress.ts';
import { StreamFigures } from '../watching/stream-figures.ts';

interface WatchOptions {
  readonly at?: string;
  readonly tls?: boolean;
  /** A file of certificates. */
  readonly ca?: string;
  readonly http?: boolean;
  readonly token?: string;
  readonly output?: string;
  /** Milliseconds; until it is told to stop where it is left out. */
  readonly for?: number;
  readonly json?: boolean;
}

/**
 * `watch USER CHANNEL`: receives a channel until a signal or the end of `--for`, and tells what came.
 * @throws CliError where what came is not what a viewer should get
 */
export async function watch(userId: UserId, channelId: ChannelId, options: WatchOptions) {
  const { token, output, json } = options;
  if (json && output === '-') {
    throw new InvalidArgumentError('--json and -o - would both go to standard output');
  }
  const stop = stopAfter(options.for);
  const viewer = { userId, channelId, token, tls: trustOf(options), stop };
  const stream = await open(viewer, options);
  const received = new StreamFigures();
  const progress = new Progress(shown(channelId), () => received.figures);
  const sinceMs = monotonicMs();
  let firstMs: number | undefined;
  async function* counted(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      firstMs ??= monotonicMs() - sinceMs;
      received.push(chunk);
      yield chunk;
    }
  }

  stop.addEventListener('abort', () => stream.destroy());
  if (stop.aborted) stream.destroy();
  const ending: { broken?: Error } = {};
  const chunks = untilItEnds(stream, stop, ending);
  const sink = openOutput(output);
  progress.start();
  try {
    await pipeline(counted(options.http ? chunks : withoutRefusal(chunks)), sink, {
      end: sink !== process.stdout,
    });
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown;
    throw new CliError(`cannot write: ${reasonOf(thrown)}`);
  } finally {
    stream.destroy();
    progress.stop();
  }

  const { figures } = received;
  const end = stop.aborted ? 'stopped' : 'closed';
  const elapsedSeconds = round((monotonicMs() - sinceMs) / 1000);
  const firstByteMs = firstMs === undefined ? null : Math.round(firstMs);
  if (json) {
    const streamSeconds = figures.streamSeconds === null ? null : round(figures.streamSeconds);
    const rounded = { ...figures, streamSeconds };
    sayJson({ user: userId, channel: channelId, ...rounded, elapsedSeconds, firstByteMs, end });
  } else {
    const began = firstByteMs === null ? '' : `  first byte after ${firstByteMs} ms`;
    const line = `${shown(channelId)}  ${figuresText(figures)}  in ${elapsedSeconds} s${began}`;
    if (output === '-') note(line);
    else say(line);
  }
  if (ending.broken) throw new CliError(`the connection broke: ${reasonOf(ending.broken)}`);
  if (end === 'closed') throw new CliError('the service closed the connection');
  if (figures.bytes === 0) throw nothingCame(channelId);
  if (figures.gaps + figures.damaged > 0) throw new CliError('the stream has gaps');
}

function open(viewer: Viewer, { http, at }: WatchOptions): Promise<Readable> {
  if (http) return openByHttp(at === undefined ? places().players : originArgument(at), viewer);
  return openByLine(at === undefined ? places().users : addressArgument(at), viewer);
}

/** What stands at the place of the settings speaks TLS where they say so; any other where it is asked for. */
function trustOf({ at, tls, ca }: WatchOptions): Trust | undefined {
  if (ca !== undefined) return { ca: readCertificates(ca) };
  return tls || (at === undefined && places().isSecure) ? {} : undefined;
}

function readCertificates(file: string): string {
  try {
    const pem = readFileSync(typedPath(file), 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (thrown) {
    throw new CliError(`--ca ${file} holds no certificate: ${reasonOf(thrown)}`);
  }
}

/** Aborted at the first signal to stop, or when the time is over. */
function stopAfter(ms: number | undefined): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort());
  }
  if (ms !== undefined) setTimeout(() => stop.abort(), ms).unref();
  return stop.signal;
}

/** What came is kept whole, however the stream ends: a break is noted and not thrown. */
async function* untilItEnds(stream: Readable, stop: AbortSignal, ending: { broken?: Error }) {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (thrown) {
    if (!stop.aborted) ending.broken = asError(thrown);
  }
}

/** A file's name counts from where the command was typed: npm runs it in the repository's folder. */
function typedPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? '.', path);
}

function openOutput(path: string | undefined): Writable {
  if (path === '-') return process.stdout;
  if (path !== undefined) return createWriteStream(typedPath(path));
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
