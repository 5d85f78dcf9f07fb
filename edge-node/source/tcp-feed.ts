import type { Feed, FeedSink, FeedSource, ReadMark } from './feed.ts';
import type { SourceClient } from './source-client.ts';

/** Channel sources over TCP, port 9110, all read at once. The number of each is its place in the list. */
export class TcpFeed implements Feed {
  readonly #clients: readonly SourceClient[];
  readonly sources: readonly FeedSource[];
  readonly merged: readonly string[];

  constructor(clients: readonly SourceClient[]) {
    this.#clients = clients;
    this.merged = clients.map(({ name }) => name);
    this.sources = clients.flatMap(({ sources }) => sources);
  }

  start(sink: FeedSink): void {
    for (const client of this.#clients) client.start(sink);
  }

  stop(): void {
    for (const client of this.#clients) client.stop();
  }

  mark(): ReadMark {
    const marks = this.#clients.map((client) => client.mark());
    return { isRead: () => marks.every((mark) => mark.isRead()) };
  }
}
