import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const PAGES = ['player', 'operator'];

/**
 * `node infra/docker/bundle-pages.ts`: makes dist/ of the pages in edge-node, which serves them. Each file appears whole:
 * an edge node may be reading it, and somebody else making it.
 */
for (const page of PAGES) {
  const { outputFiles } = await build({
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
    write: false,
  });
  for (const { path, contents } of outputFiles) {
    const unfinished = `${path}.${process.pid}`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(unfinished, contents);
    await rename(unfinished, path);
  }
}
