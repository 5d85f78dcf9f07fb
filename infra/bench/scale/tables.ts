import { COSTS } from './costs.ts';
import type { Measured } from './measure.ts';
import { type Estimate, estimate, type Load } from './model.ts';
import { type Demand, MACHINE, PRICES, plan } from './plan.ts';
import type { Point } from './points.ts';

const PAYLOAD_BYTES = 1316;
/** How far off the model may be. */
const CLOSE = 0.2;

export interface Outcome {
  readonly point: Point;
  readonly measured: Measured;
}

function loadOf(point: Point): Load {
  return {
    ...point,
    relays: point.feed === 'nats' ? 1 : 0,
    users: point.nodes * point.usersOfNode,
    payloadBytes: PAYLOAD_BYTES,
  };
}

interface Compared {
  readonly what: string;
  readonly measured: number;
  readonly modelled: number;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function compare({ edge, relay, nats }: Measured, model: Estimate): Compared[] {
  const each = [
    { what: 'edge CPU', measured: edge.cores, modelled: model.edgeCores },
    { what: 'edge MB', measured: sum(edge.megabytes), modelled: model.edgeMegabytes },
  ];
  if (relay) each.push({ what: 'relay CPU', measured: relay.cores, modelled: model.relayCores });
  if (nats) each.push({ what: 'NATS CPU', measured: nats.cores, modelled: model.natsCores });
  return each;
}

function percent(part: number): string {
  return `${part > 0 ? '+' : ''}${(part * 100).toFixed(0)} %`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export function measuredTable(outcomes: readonly Outcome[]): string {
  const megabytes = (values: readonly number[] | undefined) =>
    values?.map((each) => each.toFixed(0)).join(' ') ?? '';
  const rows = outcomes.map(({ point, measured }) => {
    const { edge, relay, nats, gigabytesPerSecond } = measured;
    const perGigabyte = (cores: number | undefined) =>
      cores === undefined ? '' : (cores / gigabytesPerSecond).toFixed(2);
    return [
      point.name,
      edge.cores.toFixed(3),
      perGigabyte(edge.cores),
      perGigabyte(relay?.cores),
      perGigabyte(nats?.cores),
      megabytes(edge.megabytes),
      megabytes(relay?.megabytes),
      megabytes(nats?.megabytes),
      measured.loadFactor.toFixed(1),
      String(measured.missing),
      measured.otherCores.toFixed(2),
    ];
  });
  const head = [
    'point',
    'edge cores',
    'edge CPU s/GB',
    'relay',
    'NATS',
    'MB of each edge process',
    'relay',
    'NATS',
    'load factor',
    'missing',
    'others',
  ];
  return table(head, rows);
}

/** What the model says of measured points, and how far off it is. */
export function comparedTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ point, measured }) => {
    const cells = compare(measured, estimate(loadOf(point), COSTS)).map((each) => {
      const off = each.modelled / each.measured - 1;
      const missed = point.use === 'check' && Math.abs(off) > CLOSE ? ', MISSED' : '';
      const digits = each.what.endsWith('MB') ? 0 : 3;
      return `${each.measured.toFixed(digits)} → ${each.modelled.toFixed(digits)} (${percent(off)}${missed})`;
    });
    return [point.name, point.use, ...cells, ...Array(4 - cells.length).fill('')];
  });
  return table(['point', 'use', 'edge cores', 'edge MB', 'relay cores', 'NATS cores'], rows);
}

const DEMANDS: readonly Demand[] = [1e4, 1e5, 1e6, 1e7].flatMap((viewers) => [
  { viewers, channels: 20, megabitsPerSecond: 0.5264, feed: 'tcp' },
  { viewers, channels: 100, megabitsPerSecond: 4, feed: 'nats' },
]);

export function planTable(): string {
  const rows = DEMANDS.map((demand) => {
    const { viewers, channels, megabitsPerSecond, feed } = demand;
    const load = `${viewers.toLocaleString('en')} × ${megabitsPerSecond.toFixed(1)} Mbit/s, ${channels} channels, ${feed}`;
    const it = plan(demand, MACHINE, COSTS);
    if (it === undefined) return [load, 'no process bears so many channels'];
    return [
      load,
      `${it.nodes.toLocaleString('en')} × ${it.workers}, ${it.boundBy}`,
      Math.round(it.usersOfNode).toLocaleString('en'),
      it.nodeGigabitsPerSecond.toFixed(1),
      it.edge.edgeCores.toFixed(1),
      (it.nodeMegabytes / 1e3).toFixed(1),
      `${it.relays}, ${it.edge.relayCores.toFixed(2)} cores`,
      String(it.natsServers),
      it.sourceGigabitsPerSecond.toFixed(1),
      Math.round(it.rowsPerSecond).toLocaleString('en'),
      [it.dollarsPerThousand.traffic, it.dollarsPerThousand.machines, it.dollarsPerThousand.rows]
        .map((each) => Math.round(each).toLocaleString('en'))
        .join(' + '),
    ];
  });
  const head = [
    'viewers',
    'nodes × workers, bound',
    'users of one',
    'Gbit/s of one',
    'cores used, all',
    'GB of one',
    'relays',
    'NATS servers',
    'Gbit/s from the source',
    'rows/s',
    'dollars per 1,000 and month: traffic + machines + rows',
  ];
  const { dollarsPerGigabyteOut, dollarsPerMachineHour, dollarsPerMillionRows, date } = PRICES;
  return [
    `Prices, assumed on ${date}: ${dollarsPerGigabyteOut} a GB out, ${dollarsPerMachineHour} a machine and hour,`,
    `${dollarsPerMillionRows} a million rows. A machine has ${MACHINE.cores} cores and ${MACHINE.gigabitsPerSecond} Gbit/s, used up to ${MACHINE.fill}.\n`,
    table(head, rows),
  ].join('\n');
}
