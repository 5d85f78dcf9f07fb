import type { RelayRig } from '../../relay/testing/relay-rig.ts';
import { EdgeRig } from '../../testing/edge-rig.ts';

/** An edge node that takes its channels from relays. */
export async function edgeOf(rig: RelayRig, settings = {}): Promise<EdgeRig> {
  const edge = await EdgeRig.start(
    { CHANNEL_FEED: 'nats', NATS_URL: rig.nats.urls, ...settings },
    'away',
  );
  await edge.eventually(() => edge.metric('source_connected')).toBe(1);
  return edge;
}

/** Waits until the edge node takes in so many channels, and the server knows it. */
export async function subscribed(rig: RelayRig, edge: EdgeRig, channels: number): Promise<void> {
  await edge.eventually(() => edge.metric('feed_subscribed_channels')).toBe(channels);
  interface Subsz {
    readonly subscriptions_list?: readonly { readonly subject: string }[];
  }
  await edge
    .eventually(async () => {
      const told = await rig.nats.servers[0]?.ask<Subsz>('/subsz?subs=1');
      const subjects = told?.subscriptions_list ?? [];
      return subjects.filter(({ subject }) => subject.startsWith('streaming.channels.')).length;
    })
    .toBe(channels);
}
