/** Moves every dependency to the newest version of its major, exactly, and lists what has a newer major. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

type Group = 'dependencies' | 'devDependencies' | 'optionalDependencies';
const FLAGS: readonly (readonly [Group, string])[] = [
  ['dependencies', '--save-prod'],
  ['devDependencies', '--save-dev'],
  ['optionalDependencies', '--save-optional'],
];

function npm(args: readonly string[]): number {
  return spawnSync('npm', args, { stdio: 'inherit' }).status ?? 1;
}

for (const [group, flag] of FLAGS) {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
    Group,
    Record<string, string>
  >;
  const ranges = Object.entries(manifest[group]).map(([name, version]) => `${name}@^${version}`);
  const status = npm(['install', '--save-exact', flag, '--no-fund', '--no-audit', ...ranges]);
  if (status !== 0) process.exit(status);
}
console.log('\nnewer majors, to be taken by hand:');
npm(['outdated']);
