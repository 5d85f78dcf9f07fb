import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { monotonicMs } from '../clock.ts';
import { ARRIVAL_GRACE_MS, HTTP_PIPELINE_MAX_REQUESTS } from '../limits.ts';

/** Answers one request; called when it is its turn. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * A client's connection. Its requests are handed on one at a time, in order; while one waits for another, nothing more
 * is read, so that whoever sends requests without awaiting answers costs no more than whoever does.
 *
 *     idle ──request──▶ busy ──answered──▶ idle          a request while busy waits
 *                       ▲  └──answered, one waits──┐
 *                       └───── in the next turn ◀──┘     too many that wait: closed
 *
 * Between two requests of a connection the event loop turns once: the others get theirs.
 */
export class Connection {
  readonly socket: Socket;
  readonly #handler: Handler;
  readonly #onIdle: () => void;
  readonly #waiting: Exchange[] = [];
  #current: Exchange | undefined;
  #isLast = false;
  /** Before its first answer: when its request may be late. */
  #lateAtMs = monotonicMs() + ARRIVAL_GRACE_MS;

  /** @param onIdle called whenever all that was asked has been answered, and the connection stays open */
  constructor(socket: Socket, handler: Handler, onIdle: () => void) {
    this.socket = socket;
    this.#handler = handler;
    this.#onIdle = onIdle;
    socket.once('close', () => {
      this.#waiting.length = 0;
    });
  }

  /** Whether an answer is owed: a request has come whole, and its answer is not made yet. */
  get owesAnswer(): boolean {
    if (this.#current === undefined) return false;
    const { request, response } = this.#current;
    return request.complete && !response.writableEnded;
  }

  /** Whether it may make room for another: it waits for nothing, and was given the time to ask. */
  get mayGo(): boolean {
    return !this.owesAnswer && monotonicMs() >= this.#lateAtMs;
  }

  /** Whether bytes of an answer have gone out that is not at its end. */
  get isAnswering(): boolean {
    return this.#current?.response.headersSent ?? false;
  }

  /** @returns false where too many wait already; the caller closes the connection */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const exchange = { request, response };
    if (this.#current === undefined) {
      this.#current = exchange;
      this.#hand(exchange);
      return true;
    }
    if (this.#waiting.length >= HTTP_PIPELINE_MAX_REQUESTS) return false;
    this.#waiting.push(exchange);
    // The parser lets its socket flow again at the end of each message: a pause counts once it is through.
    process.nextTick(() => {
      if (this.#waiting.length > 0) this.socket.pause();
    });
    return true;
  }

  /** From now on each answer says `connection: close`, the one under way too, and ends the connection. */
  closeWithNextAnswer(): void {
    this.#isLast = true;
    if (this.#current !== undefined) this.#current.response.shouldKeepAlive = false;
  }

  #hand({ request, response }: Exchange): void {
    if (this.#isLast) response.shouldKeepAlive = false;
    response.once('close', () => this.#answered());
    this.#handler(request, response);
  }

  #answered(): void {
    const next = this.#waiting.shift();
    this.#lateAtMs = 0;
    this.#current = next;
    if (this.socket.destroyed || this.socket.writableEnded) return;
    if (this.#waiting.length === 0) this.socket.resume();
    if (next === undefined) this.#onIdle();
    else setImmediate(() => this.#hand(next));
  }
}
