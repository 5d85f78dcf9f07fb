import type { ServerResponse } from 'node:http';
import {
  OPERATOR_PING_MS,
  OPERATOR_STREAMS_MAX,
  OPERATOR_TICK_MS,
} from '../../../shared/limits.ts';
import type { InTurn } from '../../delivery/in-turn.ts';
import type { EdgeView } from '../edge-view.ts';
import type { History, NodeStatus, Snapshot } from '../snapshot.ts';
import { channelStatus, nodeStatus, round, sessionStatus, storeAnswers } from '../status.ts';
import { pageOf } from './listing.ts';
import { CHANNEL_KEYS, type LiveQuery, USER_KEYS } from './live-query.ts';
import { Samples } from './samples.ts';

interface Stream {
  readonly response: ServerResponse;
  readonly query: LiveQuery;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

/**
 * `GET /events`: server-sent events for operators who look on, each of whom sees a page of the channels and one of the
 * users. Nobody looks on: nothing is done but a sample a second. An operator who does not read is sent nothing more
 * until it does.
 */
export class LiveStreams {
  readonly #view: EdgeView;
  /** Does what takes long one after another. */
  readonly #heavy: InTurn;
  readonly #samples: Samples;
  /** The one that has looked on for longest first. */
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | undefined;
  #isSending = false;
  #storeAnswers = true;
  #pingedMs = Number.NEGATIVE_INFINITY;

  constructor(view: EdgeView, heavy: InTurn) {
    this.#view = view;
    this.#heavy = heavy;
    this.#samples = new Samples(view);
  }

  start(): void {
    this.#samples.start();
  }

  /** Ends all streams. */
  stop(): void {
    this.#samples.stop();
    for (const stream of this.#streams) this.#end(stream);
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Answers a request with events, until the connection ends. The response is ours from now on. */
  open(response: ServerResponse, query: LiveQuery): void {
    const [first] = this.#streams;
    if (this.#streams.size >= OPERATOR_STREAMS_MAX && first !== undefined) this.#end(first);
    const stream = { response, query };
    this.#streams.add(stream);
    response.once('close', () => this.#forget(stream));
    response.writeHead(200, HEADERS);
    const history: History = { samples: this.#samples.all };
    send(stream, 'history', history);
    this.#timer ??= setInterval(() => void this.#tick(), OPERATOR_TICK_MS);
    void this.#tick([stream]);
  }

  async #tick(streams: Iterable<Stream> = this.#streams): Promise<void> {
    this.#askStore();
    const isForAll = streams === this.#streams;
    if (isForAll && this.#isSending) return;
    if (isForAll) this.#isSending = true;
    const node = nodeStatus(this.#view, this.#storeAnswers);
    for (const stream of [...streams]) {
      if (stream.response.writableNeedDrain) continue;
      const snapshot = await this.#heavy.run(() => this.#snapshot(node, stream.query));
      if (this.#streams.has(stream)) send(stream, 'snapshot', snapshot);
    }
    if (isForAll) this.#isSending = false;
  }

  async #snapshot(node: NodeStatus, query: LiveQuery): Promise<Snapshot> {
    const view = this.#view;
    const { clock } = view;
    const nowMs = clock.monotonicMs();
    return {
      node,
      sample: this.#samples.newest,
      channels: await pageOf([...view.channels.channels], clock, {
        query: query.channels,
        keys: CHANNEL_KEYS,
        texts: ({ id }) => [id],
        row: (channel) => ({
          ...channelStatus(channel, nowMs),
          rates: channel.rates.map(round),
        }),
      }),
      users: await pageOf([...view.sessions.all], clock, {
        query: query.users,
        keys: USER_KEYS,
        texts: ({ userId, channelId, address, client }) => [userId, channelId, address, client],
        row: (session) => sessionStatus(view, session, nowMs),
      }),
    };
  }

  #askStore(): void {
    const nowMs = this.#view.clock.monotonicMs();
    if (nowMs - this.#pingedMs < OPERATOR_PING_MS) return;
    this.#pingedMs = nowMs;
    void storeAnswers(this.#view).then((answers) => {
      this.#storeAnswers = answers;
    });
  }

  #end(stream: Stream): void {
    this.#forget(stream);
    stream.response.end();
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function send({ response }: Stream, event: string, data: object): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
