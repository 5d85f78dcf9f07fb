import { CLIP_NAMES, Clip } from '../media/clip.ts';
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
