import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { PlaceId, WriterId } from '../../shared/ids.ts';
import { WORKER_HUNG_MS, WORKER_REPORT_MS } from '../../shared/limits.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { WorkerMetrics } from '../admin/worker-metrics.ts';
import type { Listening } from '../transports/listening.ts';
import type {
  FromWorker,
  Report,
  ReportRequest,
  SupervisorMessage,
  ToWorker,
  WorkerMessage,
} from './messages.ts';
import type { Member } from './node-places.ts';
import { Outbox } from './outbox.ts';
import { Passage } from './passage.ts';

const SCRIPT = join(import.meta.dirname, '../worker.ts');

/** How a process ended. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not start, if it said so. */
  readonly message: string | undefined;
}

/** What a supervisor does with what its workers say of users and places. */
export interface WorkerEvents {
  listening(worker: WorkerProcess): void;
  draining(worker: WorkerProcess): void;
  said(worker: WorkerProcess, item: FromWorker): void;
  alive(worker: WorkerProcess, message: Extract<WorkerMessage, { kind: 'alive' }>): void;
  moved(message: Extract<WorkerMessage, { kind: 'moved' }>, socket: Socket): void;
}

interface WorkerParts {
  readonly number: number;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly events: WorkerEvents;
}

/**
 * A worker as its supervisor sees it:
 *
 *     starting ── listens ──▶ serving ── told to stop, or by itself ──▶ draining
 *         └─────────────────────┴──────── the process ends ───────────────┴──▶ ended
 */
export class WorkerProcess implements Member {
  readonly number: number;
  readonly pid: number | undefined;
  readonly sinceMs: number;
  state: 'starting' | 'serving' | 'draining' | 'ended' = 'starting';
  /** The name that its files in the spool bear. */
  writerId: WriterId | undefined;
  /** How full it last said that it is, 0 to 1. */
  load = 0;
  /** What it last told for /metrics. */
  lastMetrics: WorkerMetrics | undefined;
  readonly ended: Promise<WorkerEnd>;
  /** Rejects where it ends before it listens. */
  readonly listening: Promise<Listening>;
  readonly #child: ChildProcess;
  readonly #passage: Passage;
  readonly #clock: Clock;
  readonly #events: WorkerEvents;
  readonly #outbox = new Outbox<ToWorker>((items) => this.#send({ kind: 'turn', items }));
  readonly #reports = new Map<number, (report: Report | undefined) => void>();
  readonly #listens = Promise.withResolvers<Listening>();
  #requests = 0;
  #aliveMs: number;
  #message: string | undefined;

  constructor({ number, env, clock, events }: WorkerParts) {
    this.number = number;
    this.#clock = clock;
    this.#events = events;
    this.sinceMs = clock.monotonicMs();
    this.#aliveMs = this.sinceMs;
    this.#child = fork(SCRIPT, [String(number)], {
      env,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    this.#passage = new Passage(this.#child);
    this.pid = this.#child.pid;
    this.listening = this.#listens.promise;
    this.listening.catch(() => {});
    this.ended = this.#untilEnd();
    // A process that cannot be started has no exit, and one that cannot be written to has ended, or soon will.
    this.#child.on('error', () => {});
    this.#child.on('message', (message: WorkerMessage, socket: Socket | undefined) => {
      this.#heard(message, socket);
    });
  }

  /** Says something about a place, with all else that is said in this turn. */
  tell(item: ToWorker): void {
    this.#outbox.put(item);
  }

  replaced(place: PlaceId): void {
    this.tell({ kind: 'replaced', place });
  }

  /** Says something at once, behind all that was said before. */
  send(message: SupervisorMessage): void {
    this.#outbox.flush();
    this.#send(message);
  }

  /** Passes a connection on. Resolves with whether it went. */
  pass(message: Extract<SupervisorMessage, { kind: 'moved' }>, socket: Socket): Promise<boolean> {
    this.#outbox.flush();
    return this.#passage.pass(message, socket);
  }

  /** What the worker answers; undefined where it does not in time, and where it has ended. */
  async report<K extends Report['kind']>(
    of: ReportRequest & { readonly kind: K },
  ): Promise<Extract<Report, { kind: K }> | undefined> {
    if (this.state === 'ended') return undefined;
    this.#requests += 1;
    const request = this.#requests;
    const { promise, resolve } = Promise.withResolvers<Report | undefined>();
    this.#reports.set(request, resolve);
    this.send({ kind: 'report', request, of });
    try {
      return (await withTimeout(promise, WORKER_REPORT_MS)) as
        | Extract<Report, { kind: K }>
        | undefined;
    } catch {
      // A worker that hangs is told of in the log, and killed.
      return undefined;
    } finally {
      this.#reports.delete(request);
    }
  }

  /** What the worker says for /metrics; what it said last, where it does not answer in time. */
  async metrics(): Promise<WorkerMetrics | undefined> {
    const report = await this.report({ kind: 'metrics' });
    if (report) this.lastMetrics = report.metrics;
    return this.lastMetrics;
  }

  /** Whether it has not shown for WORKER_HUNG_MS that it lives. Call it after the sockets were polled. */
  get isHung(): boolean {
    if (this.state === 'starting' || this.state === 'ended') return false;
    return this.#clock.monotonicMs() - this.#aliveMs >= WORKER_HUNG_MS;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #heard(message: WorkerMessage, socket: Socket | undefined): void {
    this.#aliveMs = this.#clock.monotonicMs();
    switch (message.kind) {
      case 'turn':
        for (const item of message.items) this.#events.said(this, item);
        break;
      case 'listening':
        this.state = 'serving';
        this.writerId = message.writerId;
        this.#events.listening(this);
        this.#listens.resolve(message.at);
        break;
      case 'cannot_start':
        this.#message = message.message;
        break;
      case 'draining':
        this.state = 'draining';
        this.#events.draining(this);
        break;
      case 'alive':
        this.load = message.load;
        this.#events.alive(this, message);
        break;
      case 'moved':
        if (socket) this.#events.moved(message, socket);
        // A client that had gone by the time its socket was sent has none any more.
        else this.#events.said(this, { kind: 'left', place: message.place });
        break;
      case 'report':
        this.#reports.get(message.request)?.(message.report);
        break;
    }
  }

  #send(message: SupervisorMessage): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  async #untilEnd(): Promise<WorkerEnd> {
    // Behind its exit and what it said last. Of a process that cannot be started there is an error instead. There may be
    // no `disconnect`: Node forgets it where a connection is on its way.
    const [code, signal] = await once(this.#child, 'close').catch(() => [1, null]);
    this.#passage.close();
    for (const answer of this.#reports.values()) answer(undefined);
    this.state = 'ended';
    const end = { code, signal, message: this.#message };
    this.#listens.reject(new ConfigError(whyNot(this.number, end)));
    return end;
  }
}

function whyNot(number: number, { code, signal, message }: WorkerEnd): string {
  return (
    message ?? `EDGE_WORKERS: worker ${number} ended with ${signal ?? code} before it took users`
  );
}
