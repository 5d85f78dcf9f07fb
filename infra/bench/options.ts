import { parseArgs } from 'node:util';
import { BenchError } from './child.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

const WARM_UP_SECONDS = 4;

export interface Options {
  /** Whether a scenario, or `decode`, is to run. */
  readonly wanted: (name: string) => boolean;
  /** In place of each scenario's own. */
  readonly times: Partial<Pick<Scenario, 'warmUpSeconds' | 'seconds'>>;
  /** How often each scenario runs; the median counts. */
  readonly runs: number;
}

function numberFrom(text: string, most: number): number {
  const value = Number(text);
  if (!(value >= 1 && value <= most)) throw new BenchError(`${text} is not from 1 to ${most}`);
  return value;
}

function parsed() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        seconds: { type: 'string' },
        runs: { type: 'string', default: '1' },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new BenchError(error.message);
  }
}

/** @throws BenchError with the line that says what is wrong with the command line */
export function readOptions(): Options {
  const { only, seconds, runs } = parsed();
  const names = ['decode', ...SCENARIOS.map(({ name }) => name)];
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new BenchError(`no ${unknown}; there are ${names.join(', ')}`);
  return {
    wanted: (name) => only.length === 0 || only.includes(name),
    times:
      seconds === undefined
        ? {}
        : { warmUpSeconds: WARM_UP_SECONDS, seconds: numberFrom(seconds, 3600) },
    runs: numberFrom(runs, 20),
  };
}
