import type { SessionId, UserId } from '../../../shared/ids.ts';
import { OPERATOR_PING_MS } from '../../../shared/limits.ts';
import type { EdgeView } from '../edge-view.ts';
import type { History, Snapshot, UserReport } from '../snapshot.ts';
import { channelStatus, nodeStatus, round, sessionStatus, storeAnswers } from '../status.ts';
import { userReport } from '../user-report.ts';
import { pageOf } from './listing.ts';
import { CHANNEL_KEYS, type LiveQuery, USER_KEYS } from './live-query.ts';
import type { ClosedSession, Operators } from './operators.ts';
import { Samples } from './samples.ts';

/** This process, as operators look at it. While nobody does, nothing is done but a sample a second. */
export class ProcessOperators implements Operators {
  readonly #view: EdgeView;
  readonly #samples: Samples;
  #storeAnswers = true;
  #pingedMs = Number.NEGATIVE_INFINITY;

  constructor(view: EdgeView) {
    this.#view = view;
    this.#samples = new Samples(view);
  }

  start(): void {
    this.#samples.start();
  }

  stop(): void {
    this.#samples.stop();
  }

  async history(): Promise<History> {
    return { samples: this.#samples.all };
  }

  async snapshot(query: LiveQuery): Promise<Snapshot> {
    this.#askStore();
    const view = this.#view;
    const { clock } = view;
    const nowMs = clock.monotonicMs();
    return {
      node: nodeStatus(view, this.#storeAnswers),
      sample: this.#samples.newest,
      channels: await pageOf([...view.channels.channels], clock, {
        query: query.channels,
        keyOf: CHANNEL_KEYS[query.channels.by],
        texts: ({ id }) => [id],
        row: (channel) => ({
          ...channelStatus(channel, nowMs),
          rates: channel.rates.map(round),
        }),
      }),
      users: await pageOf([...view.sessions.all], clock, {
        query: query.users,
        keyOf: USER_KEYS[query.users.by],
        texts: ({ userId, channelId, address, client }) => [userId, channelId, address, client],
        row: (session) => sessionStatus(view, session, nowMs),
      }),
    };
  }

  user(userId: UserId): Promise<UserReport> {
    return userReport(this.#view, userId);
  }

  async close(id: number): Promise<ClosedSession | undefined> {
    const session = this.#view.sessions.closeOne(id as SessionId);
    return session && { user: session.userId, channel: session.channelId };
  }

  #askStore(): void {
    const nowMs = this.#view.clock.monotonicMs();
    if (nowMs - this.#pingedMs < OPERATOR_PING_MS) return;
    this.#pingedMs = nowMs;
    void storeAnswers(this.#view).then((answers) => {
      this.#storeAnswers = answers;
    });
  }
}
