/**
 * Moves every dependency to the newest version of its major, exactly, and lists what has a newer major. Node's own
 * packages, the optional ones, are left: all platforms move together, by hand.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const FLAGS = { dependencies: '--save-prod', devDependencies: '--save-dev' } as const;
type Group = keyof typeof FLAGS;

function npm(...args: readonly string[]): boolean {
  const quiet = ['--loglevel=error', '--no-fund', '--no-audit'];
  return spawnSync('npm', [...args, ...quiet], { stdio: 'inherit' }).status === 0;
}

function update(): boolean {
  for (const group of Object.keys(FLAGS) as Group[]) {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<Group, object>;
    const ranges = Object.entries(manifest[group]).map(([name, version]) => `${name}@^${version}`);
    if (!npm('install', '--save-exact', FLAGS[group], ...ranges)) return false;
  }
  // A registry may not have every platform's package of a new version yet; `npm ci` then fails everywhere.
  return npm('ci', '--dry-run');
}

if (update()) {
  console.log('\nnewer majors, to be taken by hand:');
  npm('outdated');
} else {
  console.error('not every update can be had: git checkout package.json package-lock.json');
  process.exitCode = 1;
}
