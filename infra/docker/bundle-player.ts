import { join } from 'node:path';
import { build } from 'esbuild';

/** `node infra/docker/bundle-player.ts`: makes the player page of edge-node/player in dist/player, for the edge node to serve. */
await build({
  absWorkingDir: join(import.meta.dirname, '../..'),
  entryPoints: [
    { in: 'edge-node/player/index.html', out: 'index' },
    { in: 'edge-node/player/player.css', out: 'player' },
    { in: 'edge-node/player/main.ts', out: 'player' },
  ],
  outdir: 'dist/player',
  loader: { '.html': 'copy' },
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'eof',
  // Those of the type check stand in files that an image does not hold.
  tsconfigRaw: {},
  logLevel: 'warning',
});
