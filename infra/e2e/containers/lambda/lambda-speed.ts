import { readFile } from 'node:fs/promises';
import { docker } from '../support/command.ts';

const INIT_LIMIT_MS = 400;
const WARM_LIMIT_MS = 5;

interface Measured {
  /** Each from a function's start until it asks for work. */
  readonly init: readonly number[];
  /** Node's own start and end. */
  readonly node: readonly number[];
  /** GET /usage, each answer: of the container form, of the Lambda form. */
  readonly container: readonly number[];
  readonly lambda: readonly number[];
}

/**
 * What the Lambda form costs beyond Node's own start, and beyond the container form once warm. Judged by the least of
 * the starts, which other work on this machine disturbs least, and by medians of hundreds of answers.
 * @param args of docker run, with a network in which DynamoDB answers
 */
export async function lambdaSpeed(image: string, args: readonly string[]): Promise<string> {
  const bytes = await inImage(image, args, 'sh', '-c', 'stat -c %s /var/task/usage.cjs');
  const probe = await readFile(new URL('lambda-probe.ts', import.meta.url), 'utf8');
  const node = ['node', '--input-type=module-typescript', '-e', probe];
  const measured = JSON.parse(await inImage(image, args, ...node)) as Measured;
  const init = Math.min(...measured.init) - Math.min(...measured.node);
  const warm = median(measured.lambda) - median(measured.container);
  const seen = [
    `bundle ${(Number(bytes) / 1024 ** 2).toFixed(1)} MiB`,
    `init ${init.toFixed(0)} ms beyond Node's own ${Math.min(...measured.node).toFixed(0)} ms`,
    `warm /usage ${median(measured.lambda).toFixed(1)} ms, the container's ${median(measured.container).toFixed(1)} ms`,
  ].join('; ');
  if (!(init < INIT_LIMIT_MS && warm < WARM_LIMIT_MS)) throw new Error(seen);
  return seen;
}

function inImage(image: string, args: readonly string[], ...run: string[]): Promise<string> {
  const [entry = '', ...rest] = run;
  return docker('run', '--rm', '--read-only', ...args, '--entrypoint', entry, image, ...rest);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
