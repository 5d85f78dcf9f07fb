import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import {
  ALIVE_MS,
  WORKER_BACKOFF_MAX_MS,
  WORKER_BACKOFF_MIN_MS,
  WORKER_WELL_MS,
} from '../../shared/limits.ts';
import { type Logger, LogLimiter } from '../../shared/logger.ts';
import { placeLimits } from '../admission/places.ts';
import { loadOfNode } from '../placement/load.ts';
import { isFreeToChoose, type Listening, portSettings } from '../transports/listening.ts';
import { fileShares } from '../transports/open-files.ts';
import { NodeAdmin } from './admin/node-admin.ts';
import type { FromWorker, SupervisorMessage, WorkerMessage } from './messages.ts';
import { NodePlaces } from './node-places.ts';
import { halfOpen } from './passage.ts';
import { type WorkerEnd, type WorkerEvents, WorkerProcess } from './worker-process.ts';
import { nodeMaxUsers } from './worker-settings.ts';

interface SupervisorParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Log lines of this process that nobody read in time. */
  readonly droppedLogLines: () => number;
}

/**
 * The parent of a node's workers. It starts them and starts them again, gives out the places of the node, and answers
 * its operators; it touches no stream and no usage. Workers outlive it only for as long as their draining takes.
 */
export class Supervisor implements WorkerEvents {
  readonly #parts: SupervisorParts;
  readonly #limiter: LogLimiter;
  readonly #places: NodePlaces;
  readonly #admin: NodeAdmin;
  /** The newest process of each number. */
  readonly workers: WorkerProcess[] = [];
  readonly #kept: Promise<void>[] = [];
  readonly #stopped = new AbortController();
  /** As the first worker had them, where they were left to the system. */
  #ports: NodeJS.ProcessEnv = {};
  #watch: NodeJS.Timeout | undefined;
  /** Workers that ended without having been told to. */
  ends = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    const { config, logger, clock } = parts;
    this.#limiter = new LogLimiter(logger);
    const maxOfWorker = fileShares(config.MAX_USERS).users;
    const limits = placeLimits(config, nodeMaxUsers(config, maxOfWorker));
    this.#places = new NodePlaces({ limits, maxOfWorker, clock });
    this.#admin = new NodeAdmin({ ...parts, supervisor: this, limiter: this.#limiter });
  }

  get isAccepting(): boolean {
    return !this.#isStopping && this.workers.some(({ state }) => state === 'serving');
  }

  get load(): number {
    const serving = this.workers.filter(({ state }) => state === 'serving');
    return loadOfNode(
      this.#places,
      serving.map(({ load }) => load),
    );
  }

  usersOf(worker: WorkerProcess): number {
    return this.#places.usersOf(worker);
  }

  /**
   * Resolves once all workers take users.
   * @throws ConfigError where the operators' port cannot be had, or a worker ends before it takes users
   */
  async start(): Promise<Listening & { readonly admin: AddressInfo }> {
    const { config, logger } = this.#parts;
    const admin = await this.#admin.listen(config.ADMIN_HOST, config.ADMIN_PORT);
    const listening = await this.#startWorkers();
    for (const worker of this.workers) this.#kept.push(this.#keep(worker));
    this.#watch = setInterval(() => setImmediate(() => this.#killHung()), ALIVE_MS);
    const { maxUsers } = this.#places;
    logger.info({ maxUsers }, `this node takes at most ${maxUsers} users`);
    return { ...listening, admin };
  }

  /** Has all workers send their users away, and resolves once all have accounted for them and ended. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#watch);
    for (const worker of this.workers) worker.send({ kind: 'stop' });
    const drained = this.#admin.drain(this.#parts.config.SERVER_DRAIN_MS);
    await Promise.all([drained, ...this.workers.map(({ ended }) => ended), ...this.#kept]);
    await this.#admin.close();
    this.#limiter.flush();
  }

  /** Cuts the draining of a stop short. */
  hurry(): void {
    for (const worker of this.workers) worker.send({ kind: 'hurry' });
    this.#admin.hurry();
  }

  listening(worker: WorkerProcess): void {
    this.#places.join(worker);
  }

  draining(worker: WorkerProcess): void {
    this.#places.close(worker);
  }

  said(worker: WorkerProcess, item: FromWorker): void {
    const places = this.#places;
    switch (item.kind) {
      case 'look': {
        const { ticket, visitor } = item;
        worker.tell({ kind: 'answer', ticket, answer: places.look(worker, visitor) });
        break;
      }
      case 'enter': {
        const { ticket, visitor, isMovable } = item;
        const answer = places.enter(worker, visitor, isMovable);
        worker.tell({ kind: 'answer', ticket, answer });
        break;
      }
      case 'attached':
        places.attached(item.place);
        break;
      case 'half_closed':
        places.halfClosed(item.place);
        break;
      case 'left':
        places.left(item.place);
        break;
    }
  }

  alive(worker: WorkerProcess, message: Extract<WorkerMessage, { kind: 'alive' }>): void {
    this.#places.noteGhosts(worker, message.writing, message.abandoned);
    worker.send({ kind: 'node', users: this.#places.users, load: this.load });
  }

  moved({ place, connection }: Extract<WorkerMessage, { kind: 'moved' }>, socket: Socket): void {
    socket.on('error', () => {});
    const isPassed = this.#places.moved(place, (member) => {
      const worker = this.workers.find((each) => each === member);
      if (worker === undefined) socket.destroy();
      else void this.#pass(worker, { kind: 'moved', place, connection }, socket);
    });
    // Its worker has died meanwhile: the client finds another.
    if (!isPassed) socket.destroy();
  }

  async #pass(
    worker: WorkerProcess,
    message: Extract<SupervisorMessage, { kind: 'moved' }>,
    socket: Socket,
  ): Promise<void> {
    const hasGone = await worker.pass(message, halfOpen(socket));
    if (!hasGone) this.#places.left(message.place);
  }

  /** All at once, so that a crowd that waits finds all of them; but ports that are free to choose, the first one chooses. */
  async #startWorkers(): Promise<Listening> {
    const { config } = this.#parts;
    const first = this.#spawn(0);
    if (isFreeToChoose(config)) this.#ports = portSettings(await first.listening);
    for (let number = 1; number < config.EDGE_WORKERS; number += 1) this.#spawn(number);
    await Promise.all(this.workers.map(({ listening }) => listening));
    return first.listening;
  }

  get #isStopping(): boolean {
    return this.#stopped.signal.aborted;
  }

  #spawn(number: number): WorkerProcess {
    const { config, clock } = this.#parts;
    const workers = String(config.EDGE_WORKERS);
    const env = { ...process.env, ...this.#ports, EDGE_WORKERS: workers };
    const worker = new WorkerProcess({ number, env, clock, events: this });
    this.workers[number] = worker;
    // A stop may come while the others are started.
    if (this.#isStopping) worker.send({ kind: 'stop' });
    return worker;
  }

  /** Starts a worker again whenever it has ended, later each time, until the node is stopped. */
  async #keep(first: WorkerProcess): Promise<void> {
    const { clock } = this.#parts;
    let failures = 0;
    for (let worker = first; ; worker = this.#spawn(worker.number)) {
      const end = await worker.ended;
      const users = this.#places.part(worker);
      this.#admin.workerEnded(worker);
      this.#tellOfDeath(worker);
      if (this.#isStopping) return;
      this.ends += 1;
      if (clock.monotonicMs() - worker.sinceMs >= WORKER_WELL_MS) failures = 0;
      const retryMs = Math.min(WORKER_BACKOFF_MAX_MS, WORKER_BACKOFF_MIN_MS * 2 ** failures);
      failures += 1;
      this.#logEnd(worker, end, users, retryMs);
      await sleep(retryMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
      if (this.#isStopping) return;
    }
  }

  /** One of the others stores at once what the dead one has left in the spool. */
  #tellOfDeath({ writerId }: WorkerProcess): void {
    if (writerId === undefined) return;
    const heir = this.workers.find(({ state }) => state === 'serving');
    heir?.send({ kind: 'writer_died', writerId });
  }

  #logEnd({ number, pid }: WorkerProcess, end: WorkerEnd, users: number, retryMs: number): void {
    const { code, signal, message: reason } = end;
    this.#limiter.error(
      'a worker has ended: its users are cut off, and it is started again',
      { worker: number, pid, code, signal, reason, users, retryMs },
      String(number),
    );
  }

  #killHung(): void {
    for (const worker of this.workers) {
      if (!worker.isHung) continue;
      const { number, pid } = worker;
      this.#parts.logger.error({ worker: number, pid }, 'a worker hangs: it is killed');
      worker.kill();
    }
  }
}
