import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { executeByLine, probe } from './commands.ts';
import { EngineUnavailable } from './engines/engine-host.ts';
import { fillOnce } from './kept-folder.ts';

/** The runtime client that functions.Dockerfile installs, by the same lock. */
const PACKAGE = join(import.meta.dirname, '../docker/lambda-runtime');
const CACHE = join(import.meta.dirname, '../../.cache/lambda-runtime');
const COMPILERS = ['cmake', 'make', 'g++', 'xz'];

/**
 * Lambda's runtime client, built once for this machine and kept.
 * @returns the value of LAMBDA_RUNTIME_DIR: the folder that holds its node_modules
 * @throws EngineUnavailable where what its native part is built with is not here
 */
export async function prepareLambdaRuntime(say: (line: string) => void): Promise<string> {
  const manifest = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8'));
  const folder = join(CACHE, `${manifest.dependencies['aws-lambda-ric']}-${process.arch}`);
  if (existsSync(folder)) return folder;
  for (const compiler of COMPILERS) {
    if (!(await probe(compiler, '--version'))) {
      throw new EngineUnavailable(`its native code needs ${COMPILERS.join(', ')}`);
    }
  }
  say('lambda: building the runtime client (first time only, a minute)');
  await fillOnce(folder, 'it cannot be built', async (unfinished) => {
    await cp(PACKAGE, unfinished, { recursive: true });
    const install = [
      'ci',
      '--no-fund',
      '--no-audit',
      '--fetch-retries=1',
      '--fetch-timeout=60000',
      '--prefix',
      unfinished,
    ];
    await executeByLine('npm', install, () => {});
  });
  return folder;
}
