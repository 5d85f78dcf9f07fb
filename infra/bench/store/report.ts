import { serverEngine } from '../../local/engines/engines.ts';
import type { Goal } from '../report.ts';
import type { FlushFigure } from './flush.ts';
import type { HttpFigure } from './http.ts';

export interface EngineFigures {
  readonly engine: string;
  readonly http: readonly HttpFigure[];
  readonly flush: readonly FlushFigure[];
}

export const REGISTER = '/register';
export const usageOf = (rows: number) => `/usage, ${rows} rows`;

const COLUMNS = [22, 10, 14, 10, 10, 10] as const;

function row(...columns: readonly string[]): string {
  return columns
    .map((text, i) => (i === 0 ? text.padEnd(COLUMNS[0]) : text.padStart(COLUMNS[i] ?? 0)))
    .join('');
}

export const TABLE_HEAD = row('', 'per s', 'CPU µs each', 'p50 ms', 'p99 ms', 'failed');

export function httpRow(figure: HttpFigure): string {
  const { name, requestsPerSecond, cpuMicros, p50Ms, p99Ms, failed } = figure;
  const values = [requestsPerSecond, cpuMicros, p50Ms, p99Ms, failed];
  return row(name, ...values.map((value) => value.toFixed(0)));
}

export function flushRow({ name, rowsPerSecond, cpuMicros }: FlushFigure): string {
  return row(`rows, ${name}`, rowsPerSecond.toFixed(0), cpuMicros.toFixed(0));
}

/** What the product promises of an engine, and whether this run saw it hold. */
export function goalsOf({ engine, http, flush }: EngineFigures): Goal[] {
  if (serverEngine(engine).isStandIn) return [];
  const of = (name: string) => http.filter((figure) => figure.name === name);
  const atMost = (goal: string, values: readonly number[], limit: number, unit: string): Goal[] =>
    values.map((value) => ({
      kind: 'speed',
      goal: `${goal}: at most ${limit} ${unit}`,
      measured: `${value.toFixed(0)} ${unit}`,
      held: value <= limit,
    }));
  const usage = of(usageOf(5));
  const microsOf = (figures: readonly HttpFigure[]) => figures.map(({ cpuMicros }) => cpuMicros);
  const failed = http.reduce((sum, figure) => sum + figure.failed, 0);
  return [
    {
      kind: 'correctness',
      goal: 'every request answered 200',
      measured: `${failed} were not`,
      held: failed === 0,
    },
    ...atMost('CPU of /usage, 5 rows', microsOf(usage), 200, 'µs'),
    ...atMost(
      'p99 of /usage, 5 rows',
      usage.map(({ p99Ms }) => p99Ms),
      60,
      'ms',
    ),
    ...atMost('CPU of /register', microsOf(of(REGISTER)), 150, 'µs'),
    ...flush.map(
      ({ name, rowsPerSecond }): Goal => ({
        kind: 'speed',
        goal: `usage rows, ${name}: at least 4000 a second`,
        measured: `${rowsPerSecond.toFixed(0)} a second`,
        held: rowsPerSecond >= 4_000,
      }),
    ),
  ];
}
