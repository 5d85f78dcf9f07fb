/** `npm run sam -- build`, `npm run sam -- local start-api`: the SAM CLI, for this machine's architecture. */
import { spawnSync } from 'node:child_process';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const args = process.argv.slice(2);
const { status, error } = spawnSync(
  'sam',
  [...args, '--parameter-overrides', `Architecture=${architecture}`],
  { stdio: 'inherit' },
);
if (error !== undefined) console.error(`sam: ${error.message}`);
process.exitCode = status ?? 1;
