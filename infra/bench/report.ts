import { cpus, release } from 'node:os';
import type { DecodeFigure } from './decode.ts';
import type { RunResult } from './run.ts';
import type { Scenario } from './scenarios.ts';

const MEGABYTE = 1e6;

/** Where a bench leaves its figures, logs and compiled programs. */
export const OUT = 'bench-out';

/** One scenario with what was measured; undefined where that run was left out or failed. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly edge: RunResult | undefined;
  readonly relay: RunResult | undefined;
  readonly failures: readonly string[];
}

/** Something the product promises, and whether this run saw it hold. Speed depends on the machine, counts do not. */
export interface Goal {
  readonly kind: 'speed' | 'correctness';
  readonly goal: string;
  readonly measured: string;
  readonly held: boolean;
}

export const microsPerPacket = (run: RunResult) => (run.cpuSeconds * 1e6) / run.interval.packets;
export const cores = (run: RunResult) => run.cpuSeconds / run.interval.seconds;
export const mostResidentMegabytes = (run: RunResult) => Math.max(...run.residentBytes) / MEGABYTE;

const COLUMNS = [
  ['', 18],
  ['packets/s', 10],
  ['µs/packet', 10],
  ['CPU s/GB', 9],
  ['cores', 6],
  ['p50 ms', 9],
  ['p99 ms', 9],
  ['p99.9 ms', 9],
  ['max ms', 9],
  ['RSS MB', 13],
  ['missing', 9],
  ['others', 7],
] as const;

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) => {
      const width = COLUMNS[i]?.[1] ?? 0;
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join(' ');
}

export function tableHead(): string {
  return row(COLUMNS.map(([title]) => title));
}

export function tableRow(run: RunResult): string {
  const { interval } = run;
  const resident = [run.residentBytes.at(0) ?? 0, Math.max(...run.residentBytes)];
  return row([
    `  ${run.server}`,
    Math.round(interval.packets / interval.seconds).toString(),
    microsPerPacket(run).toFixed(2),
    ((run.cpuSeconds * 1e9) / interval.bytes).toFixed(2),
    cores(run).toFixed(2),
    ...[interval.p50Ms, interval.p99Ms, interval.p999Ms, interval.maxMs].map((ms) => ms.toFixed(1)),
    resident.map((bytes) => (bytes / MEGABYTE).toFixed(0)).join(' → '),
    interval.missing.toString(),
    run.otherCores.toFixed(2),
  ]);
}

export function machine() {
  return {
    cores: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    kernel: release(),
    node: process.version,
  };
}

export function machineRow(): string {
  const { cores, model, kernel, node } = machine();
  return `${cores} × ${model}, Linux ${kernel}, Node ${node}`;
}

export function decodeRow({ name, packetsPerSecond }: DecodeFigure): string {
  return `  ${name.padEnd(34)} ${(packetsPerSecond / 1e6).toFixed(2).padStart(6)} M packets/s`;
}

export function goalRow({ goal, measured, held }: Goal): string {
  return `  ${held ? 'held    ' : 'NOT held'}  ${goal}: ${measured}`;
}

/** Of an even number the middle between the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  const [below = Number.NaN, above = Number.NaN] = [
    sorted[Math.floor(half)],
    sorted[Math.ceil(half)],
  ];
  return (below + above) / 2;
}

/** A goal of speed that is held by a value up to the limit. */
export function atMost(goal: string, value: number, limit: number, unit: string, digits = 2): Goal {
  return {
    kind: 'speed',
    goal,
    measured: `${value.toFixed(digits)} ${unit}`,
    held: value <= limit,
  };
}
