import { type ChannelId, parseChannelId } from '../../shared/ids.ts';

/**
 * What relays and edge nodes say to each other, by subject:
 *
 *     <prefix>.channels.<hex id>   whole packets of one channel as they came on 9110, header and all, several to a message
 *     <prefix>.directory           the channels with their rates, each second (edge-node/nats/directory-message.ts)
 *     <prefix>.backlog.<hex id>    a request for what a relay has of the channel since its newest entry point or, where
 *                                  the request holds `live`, of what is not in order yet. One relay replies with
 *                                  messages as of the first kind, and an empty one behind them
 *     <reply>.begins               before these, where the relay knows it: from which sequence on nothing is left out
 *                                  (edge-node/nats/backlog-beginning.ts)
 *
 * Messages of packets name the relay that sent them, as the subject of a reply that nobody gives: without it they are
 * taken for those of one relay.
 *
 * An id in hexadecimal is one token of a subject, whatever characters it has.
 */
export class Subjects {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get directory(): string {
    return `${this.#prefix}.directory`;
  }

  /** Where the beginning of a backlog is told that is sent to `reply`. */
  static beginningOf(reply: string): string {
    return `${reply}.begins`;
  }

  get anyBacklog(): string {
    return `${this.#prefix}.backlog.*`;
  }

  channel(id: ChannelId): string {
    return `${this.#prefix}.channels.${hexOf(id)}`;
  }

  backlog(id: ChannelId): string {
    return `${this.#prefix}.backlog.${hexOf(id)}`;
  }
}

/** What a request for a backlog holds whose user begins at no entry point. */
export const FROM_LIVE = Buffer.from('live');

/** The last token of a channel's subjects. */
function hexOf(id: ChannelId): string {
  return Buffer.from(id, 'latin1').toString('hex');
}

/** The channel id that such a token stands for, or undefined where it is none. */
export function channelIdOfHex(token: string): ChannelId | undefined {
  if (!/^([0-9a-f]{2})+$/.test(token)) return undefined;
  return parseChannelId(Buffer.from(token, 'hex').toString('latin1'));
}
