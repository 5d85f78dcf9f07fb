import type { Socket } from 'node:net';
import type { PlaceId } from '../../shared/ids.ts';
import { ALIVE_MS } from '../../shared/limits.ts';
import type { Connection } from '../delivery/sessions.ts';
import type {
  FromWorker,
  MovedConnection,
  SupervisorMessage,
  ToWorker,
  WorkerMessage,
} from './messages.ts';
import { Outbox } from './outbox.ts';
import { halfOpen, Passage } from './passage.ts';

/** What a worker does when its supervisor says something. */
export interface SupervisorHandlers {
  readonly heard: (item: ToWorker) => void;
  readonly moved: (place: PlaceId, connection: Connection) => void;
  /** Of a connection that was to come its client had gone. */
  readonly lost: () => void;
  readonly report: (message: Extract<SupervisorMessage, { kind: 'report' }>) => void;
  readonly writerDied: (message: Extract<SupervisorMessage, { kind: 'writer_died' }>) => void;
  readonly node: (message: Extract<SupervisorMessage, { kind: 'node' }>) => void;
  readonly hurry: () => void;
}

const NOTHING = Buffer.alloc(0);

/** A worker's end of the channel to its supervisor. Nothing that is sent to one that has gone is an error. */
export class SupervisorLink {
  readonly #passage = new Passage(process);
  readonly #outbox = new Outbox<FromWorker>((items) => void this.send({ kind: 'turn', items }));
  /** Resolves when the supervisor says so, or is gone: nobody would give out places, nor ever end this process. */
  readonly stopped: Promise<string>;

  constructor() {
    this.stopped = new Promise((resolve) => {
      process.on('message', ({ kind }: SupervisorMessage) => {
        if (kind === 'stop') resolve('the supervisor said so');
      });
      const look = () => {
        if (process.connected) return;
        clearInterval(looking);
        this.#passage.close();
        resolve('the supervisor is gone');
      };
      // Not told by `disconnect` alone: Node forgets that where a connection is on its way.
      const looking = setInterval(look, ALIVE_MS).unref();
      process.on('disconnect', look);
      look();
    });
  }

  /** From now on what the supervisor says is heard. */
  listen({ heard, moved, lost, report, writerDied, node, hurry }: SupervisorHandlers): void {
    process.on('message', (message: SupervisorMessage, socket: Socket | undefined) => {
      switch (message.kind) {
        case 'turn':
          for (const item of message.items) heard(item);
          break;
        case 'moved':
          // A client that had gone by the time its socket came has none any more.
          if (socket === undefined) {
            this.tell({ kind: 'left', place: message.place });
            lost();
          } else moved(message.place, { ...message.connection, socket: halfOpen(socket) });
          break;
        case 'report':
          report(message);
          break;
        case 'writer_died':
          writerDied(message);
          break;
        case 'node':
          node(message);
          break;
        case 'hurry':
          hurry();
          break;
        case 'stop':
          break;
      }
    });
  }

  tell(item: FromWorker): void {
    this.#outbox.put(item);
  }

  /** Resolves with whether it went. */
  send(message: WorkerMessage): Promise<boolean> {
    if (message.kind !== 'turn') this.#outbox.flush();
    return new Promise((resolve) => {
      if (!process.connected || process.send === undefined) resolve(false);
      else process.send(message, undefined, undefined, (error) => resolve(error === null));
    });
  }

  /**
   * Sends a connection to the worker that has its place, once the kernel has all that was written to it. What its client
   * sends meanwhile is lost, and nobody would read it anyway.
   */
  async move(place: PlaceId, { socket, ...rest }: Connection): Promise<boolean> {
    socket.on('error', () => {});
    const isWritten = await new Promise((resolve) => {
      socket.write(NOTHING, (error) => resolve(!error));
    });
    const connection: MovedConnection = {
      ...rest,
      talkedBytes: rest.talkedBytes + socket.readableLength,
    };
    if (isWritten) {
      this.#outbox.flush();
      return this.#passage.pass({ kind: 'moved', place, connection }, socket);
    }
    socket.destroy();
    return false;
  }
}
