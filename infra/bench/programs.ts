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
/** Checkouts of which it was made. */
const made = new Set<string>();

/** What is measured is what images hold: JavaScript, made of a checkout's sources at the first call. */
export function productScript(path: string, checkout = REPOSITORY): string {
  const product = join(checkout, 'dist/app');
  if (!made.has(checkout)) {
    rmSync(product, { recursive: true, force: true });
    execFileSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(REPOSITORY, 'infra/docker/strip-types.ts'),
        ...[product, 'package.json', 'shared', 'edge-node', 'functions'],
      ],
      { cwd: checkout, stdio: 'inherit' },
    );
    made.add(checkout);
  }
  return join(product, path);
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
