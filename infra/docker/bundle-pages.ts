import { join } from 'node:path';
import { build } from 'esbuild';

const PAGES = ['player', 'operator'];

/** `node infra/docker/bundle-pages.ts`: makes dist/ of the pages in edge-node, which serves them. */
for (const page of PAGES) {
  await build({
    absWorkingDir: join(import.meta.dirname, '../..'),
    entryPoints: [
      { in: `edge-node/${page}/index.html`, out: 'index' },
      { in: `edge-node/${page}/${page}.css`, out: page },
      { in: `edge-node/${page}/main.ts`, out: page },
    ],
    outdir: `dist/${page}`,
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
}
