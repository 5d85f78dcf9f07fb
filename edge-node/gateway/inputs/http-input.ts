import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { InputError } from '../../../shared/errors.ts';
import type { HttpSpec } from '../../channel-lists/input-url.ts';
import type { Input, InputEvents } from './input.ts';
import { StreamInput } from './stream-input.ts';

const USER_AGENT = 'streaming-service-gateway';

/** MPEG-TS that a server sends as the body of one answer, for ever. */
export class HttpInput implements Input {
  readonly #abort = new AbortController();
  readonly #events: InputEvents;
  #body: StreamInput | undefined;
  #isPaused = false;

  constructor(spec: HttpSpec, events: InputEvents) {
    this.#events = events;
    this.#open(spec).catch((error: unknown) => {
      if (this.#abort.signal.aborted) return;
      this.#abort.abort();
      events.end(
        error instanceof InputError ? error : new InputError('unreachable', fetchFailure(error)),
      );
    });
  }

  pause(): void {
    this.#isPaused = true;
    this.#body?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#body?.resume();
  }

  close(): void {
    this.#body?.close();
    this.#abort.abort();
  }

  async #open({ url, headers }: HttpSpec): Promise<void> {
    const { href, authorization } = withoutUser(url);
    const answer = await fetch(href, {
      headers: { 'User-Agent': USER_AGENT, ...authorization, ...headers },
      signal: this.#abort.signal,
    });
    if (!answer.ok || answer.body === null) {
      throw new InputError('unreachable', `the server answered ${answer.status}`);
    }
    const body = Readable.fromWeb(answer.body as ReadableStream);
    this.#body = new StreamInput(body, this.#events);
    if (this.#isPaused) this.#body.pause();
  }
}

/** fetch takes no user in a URL. */
function withoutUser(address: string) {
  const url = new URL(address);
  const { username, password } = url;
  url.username = url.password = '';
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization =
    username === '' ? {} : { Authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  return { href: url.href, authorization };
}

/** What the network said: messages of fetch itself may quote the URL. */
function fetchFailure(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'the request failed';
}
