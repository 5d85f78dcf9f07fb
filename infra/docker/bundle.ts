import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * `node infra/docker/bundle.ts [FOLDER]`: bundles each Lambda handler into one file, <name>.cjs in dist/lambda or the
 * folder named, and prints the sizes. Names stay readable for stack traces: shortened ones make the file smaller but
 * its start no faster.
 */
const root = join(import.meta.dirname, '../..');

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['functions/lambda/register.ts', 'functions/lambda/usage.ts'],
  outdir: process.argv[2] ?? 'dist/lambda',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: `node${process.versions.node}`,
  format: 'cjs',
  metafile: true,
  logLevel: 'warning',
});
for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
  console.log(`${file}  ${(bytes / 1024 ** 2).toFixed(1)} MiB`);
}
