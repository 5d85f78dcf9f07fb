/**
 * The demo's channel source: serves 9110 with the clips as endless channels, disorder included.
 *
 * It begins to play when the first client connects. At its end it prints one line of JSON: per channel the epochs,
 * with every sequence that it left out.
 */
import { Feed } from './channel-feed.ts';
import { playClips } from './clip-player.ts';
import { parseSourceOptions, type SourceOptions, USAGE } from './source-options.ts';
import { SourceServer } from './source-server.ts';

async function main(options: SourceOptions): Promise<void> {
  const end = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end.abort());
  const feeds = options.channels.map((channelId, index) => {
    const { disorder, turns } = options;
    return new Feed({ ...disorder, seed: disorder.seed + index, channelId, turns });
  });
  const server = new SourceServer((line) => console.error(`channel source: ${line}`));
  const port = await server.listen(options.port, options.host);
  console.error(`channel source: ${options.channels.join(', ')} at ${options.host}:${port}`);

  try {
    await server.firstClient(end.signal);
    await playClips(server, feeds, options, end.signal);
  } catch (error) {
    if (!end.signal.aborted) throw error;
  }
  for (const feed of feeds) server.send(feed.flush());
  await server.close();
  const report = feeds.map((feed) => ({ channel: feed.channelId, epochs: feed.report() }));
  console.log(JSON.stringify(report));
}

function fail(text: string): never {
  console.error(`channel source: ${text}`);
  process.exit(1);
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

if (process.argv.includes('--help')) {
  console.log(USAGE);
  process.exit();
}
let options: SourceOptions;
try {
  options = parseSourceOptions(process.argv.slice(2));
} catch (error) {
  fail(`${reason(error)}\n\n${USAGE}`);
}
await main(options).catch((error) => fail(reason(error)));
process.exit();
