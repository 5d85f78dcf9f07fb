import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles each Lambda handler into one file, dist/lambda/<name>.cjs, and prints the sizes. Names stay readable for
 * stack traces: shortened ones make the file smaller but its start no faster.
 */
const root = join(import.meta.dirname, '../..');

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['functions/lambda/register.ts', 'functions/lambda/usage.ts'],
  outdir: 'dist/lambda',
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
