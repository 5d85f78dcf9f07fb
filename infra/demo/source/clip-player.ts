import { isTransportStream } from '../../../edge-node/mpeg-ts/ts-packet.ts';
import { CLIP_NAMES, Clip, PAYLOAD_BYTES } from '../media/clip.ts';
import type { Feed } from './channel-feed.ts';
import type { SourceServer } from './source-server.ts';

const TICK_MS = 10;

/** Plays the clips in turn, one to a channel, at the set rate; a late timer is made up for. */
export async function playClips(
  server: SourceServer,
  feeds: readonly Feed[],
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
  end: AbortSignal,
): Promise<void> {
  const clips = CLIP_NAMES.map((name) => Clip.load(name));
  const started = performance.now();
  const total = seconds * rate;
  for (let sent = 0; sent < total && !end.aborted; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) * rate) / 1000) + 1);
    const packets: Buffer[] = [];
    for (; sent < due; sent++) {
      feeds.forEach((feed, index) => {
        const clip = clips[index % clips.length];
        if (clip) packets.push(...feed.push(clip.payload(sent)));
      });
    }
    server.send(packets);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

/** Sends what comes in, as it comes, seven TS packets to a payload. */
export async function playStream(
  server: SourceServer,
  feed: Feed,
  input: AsyncIterable<Buffer>,
): Promise<void> {
  const packets = (payload: Buffer): Buffer[] => {
    if (!isTransportStream(payload, 0, payload.length)) {
      throw new RangeError('the input is not MPEG-TS');
    }
    return feed.push(payload);
  };
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.length - (bytes.length % PAYLOAD_BYTES);
    for (let at = 0; at < end; at += PAYLOAD_BYTES) {
      server.send(packets(bytes.subarray(at, at + PAYLOAD_BYTES)));
    }
    rest = bytes.subarray(end);
    await server.drained();
  }
  if (rest.length > 0) server.send(packets(rest));
}
