import { Worker } from 'node:worker_threads';
import { monotonicMs } from '../../clock.ts';
import { StoreAwayError } from '../../errors.ts';
import { STORE_REQUEST_TIMEOUT_MS } from '../../limits.ts';
import {
  SQLITE,
  type SqliteAnswer,
  type SqliteMessage,
  type SqliteOp,
  type SqliteReply,
  type SqliteRequest,
  type SqliteWorkerData,
} from './protocol.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

function awayBecause({ error, code }: Extract<SqliteReply, { error: string }>): StoreAwayError {
  return new StoreAwayError(error, code === undefined ? {} : { code });
}

/** One connection to the database, in a thread of its own. Requests are answered in the order they came. */
export class SqliteConnection {
  readonly #worker: Worker;
  readonly #lost: (reason: Error) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #failure: Error | undefined;

  /** @param lost is called when the thread has died, or its file is not the one at the path any more */
  constructor(path: string, lost: (reason: Error) => void) {
    const workerData: SqliteWorkerData = { path };
    this.#lost = lost;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData });
    this.#worker.on('message', (reply: SqliteReply) => this.#settle(reply));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#fail(new StoreAwayError(`the thread of the store has ended with ${code}`));
        resolve();
      });
    });
  }

  /** @param timeoutMs the promise rejects past it, and the request is dropped if it was not begun. */
  request<Op extends SqliteOp>(
    request: Extract<SqliteRequest, { readonly op: Op }>,
    timeoutMs = STORE_REQUEST_TIMEOUT_MS,
  ): Promise<SqliteAnswer<Op>> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          new StoreAwayError(`no answer to ${request.op} in ${timeoutMs} ms`, {
            code: SQLITE.BUSY,
          }),
        );
      }, timeoutMs);
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, timer });
      this.#post({ id, deadlineMs: monotonicMs() + timeoutMs, request });
    });
  }

  /** Waits for the answers to earlier requests, then ends the thread. */
  async close(): Promise<void> {
    this.#failure ??= new StoreAwayError('the store is closed');
    this.#post({ id: 0, deadlineMs: Number.POSITIVE_INFINITY, request: { op: 'close' } });
    await this.#exited;
  }

  #post(message: SqliteMessage): void {
    this.#worker.postMessage(message);
  }

  #settle(reply: SqliteReply): void {
    const error = 'error' in reply ? awayBecause(reply) : undefined;
    const waiting = this.#waiting.get(reply.id);
    if (waiting !== undefined) {
      this.#waiting.delete(reply.id);
      clearTimeout(waiting.timer);
      if (error) waiting.reject(error);
      else if ('value' in reply) waiting.resolve(reply.value);
    }
    if (error && 'isLost' in reply && reply.isLost) this.#lost(error);
  }

  #fail(error: Error): void {
    const isClosing = this.#failure !== undefined;
    this.#failure ??= error;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
    if (!isClosing) this.#lost(error);
  }
}
