import type { ChannelStatus } from '../../../edge-node/admin/snapshot.ts';
import { edgeStatus } from '../edge-status.ts';
import { places } from '../places.ts';
import { channelTable } from '../terminal/channel-table.ts';
import { say, sayJson, sayTable } from '../terminal/print.ts';

/** `channels`: what the edge node has, by id. */
export async function channels({ at, json }: { at?: string; json?: boolean }): Promise<void> {
  const status = await edgeStatus(at ?? places().admin);
  if (json) return sayJson(status.channels);
  if (status.channels.length === 0) {
    return say(`no channel has come yet: the source is ${status.source.state}`);
  }
  sayTable(channelTable([...status.channels].sort(byId)));
}

const byId = (one: ChannelStatus, other: ChannelStatus): number =>
  one.channel < other.channel ? -1 : 1;
