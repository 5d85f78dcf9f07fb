import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { STORE_NAMES } from '../../shared/store/engines.ts';

/** The one engine that functions/lambda/function.ts can use; the code of the others would be weight that never runs. */
const LAMBDA_STORE = 'dynamodb';

const HANDLERS = ['register', 'unregister', 'usage'];
/** A file of its own: a function that sends no traces reads nothing of it. */
const TRACING = 'open-telemetry';

/**
 * `node infra/docker/bundle.ts [FOLDER]`: bundles each Lambda handler into one file, <name>.cjs in dist/lambda or the
 * folder named, and prints the sizes. Names stay readable for stack traces: shortened ones make the file smaller but
 * its start no faster.
 */
const root = join(import.meta.dirname, '../..');

const apart: Plugin = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`/${TRACING}\\.ts$`) }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${TRACING}.cjs`, external: true } : undefined,
    );
  },
};

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    ...Object.fromEntries(HANDLERS.map((name) => [name, `functions/lambda/${name}.ts`])),
    [TRACING]: `functions/tracing/${TRACING}.ts`,
  },
  outdir: process.argv[2] ?? 'dist/lambda',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: `node${process.versions.node}`,
  format: 'cjs',
  external: STORE_NAMES.filter((name) => name !== LAMBDA_STORE).map(
    (name) => `./${name}/engine.ts`,
  ),
  plugins: [apart],
  metafile: true,
  logLevel: 'warning',
});
for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
  console.log(`${file}  ${(bytes / 1024 ** 2).toFixed(1)} MiB`);
}
