import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from './child.ts';

export interface Programs {
  readonly loadSource: string;
  readonly relay: string;
  readonly users: string;
  readonly crowd: string;
}

const REPOSITORY = join(import.meta.dirname, '../..');
const PRODUCT = join(REPOSITORY, 'dist/app');
let isProductMade = false;

/** What is measured is what images hold: JavaScript, made of the sources at the first call. */
export function productScript(path: string): string {
  if (!isProductMade) {
    rmSync(PRODUCT, { recursive: true, force: true });
    execFileSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(REPOSITORY, 'infra/docker/strip-types.ts'),
        ...[PRODUCT, 'package.json', 'shared', 'edge-node', 'functions'],
      ],
      { cwd: REPOSITORY, stdio: 'inherit' },
    );
    isProductMade = true;
  }
  return join(PRODUCT, path);
}

/** Compiles the C programs beside this file into `folder`. */
export function compilePrograms(folder: string): Programs {
  const compile = (name: string) => {
    const target = join(folder, name);
    const source = join(import.meta.dirname, `c/${name}.c`);
    const args = ['-O2', '-Wall', '-Wextra', '-o', target, source];
    const { error, status } = spawnSync('cc', args, { stdio: 'inherit' });
    if (error)
      throw new BenchError(
        `the load comes from C programs, and cc does not start: ${error.message}`,
      );
    if (status !== 0) throw new BenchError(`cc could not compile ${name}.c`);
    return target;
  };
  return {
    loadSource: compile('load-source'),
    relay: compile('relay'),
    users: compile('users'),
    crowd: compile('crowd'),
  };
}
