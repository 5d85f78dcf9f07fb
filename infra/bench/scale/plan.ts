/** What a fleet needs for so many viewers, and what it costs: the smallest one whose parts stay within their bounds. */

import { type Costs, type Estimate, estimate, type Load } from './model.ts';

const PAYLOAD_BYTES = 1316;
const HOURS_OF_MONTH = 730;
/** USAGE_FLUSH_MS: a row for each viewer and interval. */
const FLUSH_SECONDS = 5;
/** As NATS servers are run: one may go. */
const LEAST_SERVERS = 3;
const RELAYS = 2;
/** Headers of Ethernet, IP and TCP beside what they carry. */
const WIRE_PART = 1.05;

export interface Demand {
  readonly viewers: number;
  /** All of them are watched, on every node that has users enough. */
  readonly channels: number;
  /** Of a channel. */
  readonly megabitsPerSecond: number;
  readonly feed: Load['feed'];
}

/** A machine that runs one edge node, relay or NATS server. */
export interface Machine {
  readonly cores: number;
  readonly gigabitsPerSecond: number;
  /** How full cores and network may be, so that a machine that goes can be borne by the others. */
  readonly fill: number;
  /** MAX_USERS. */
  readonly mostUsers: number;
}

/** Assumptions, none of them looked up: put your own in. */
export const PRICES = {
  date: '2026-11-25',
  /** To the internet. The greatest part of all: 0.005 to 0.09, by whom it is bought from and how much of it. */
  dollarsPerGigabyteOut: 0.05,
  dollarsPerMachineHour: 0.25,
  /** DynamoDB on demand has 0.625; a Cassandra of your own is machines. */
  dollarsPerMillionRows: 0.625,
} as const;

/** Four cores and 10 Gbit/s, half of it to be used. */
export const MACHINE: Machine = {
  cores: 4,
  gigabitsPerSecond: 10,
  fill: 0.6,
  mostUsers: 20_000,
};

export interface Plan {
  readonly nodes: number;
  /** Of all nodes: what is used, not what is there. */
  readonly edge: Estimate;
  readonly usersOfNode: number;
  readonly nodeGigabitsPerSecond: number;
  readonly nodeMegabytes: number;
  /** What sets the number of nodes. */
  readonly boundBy: 'network' | 'cpu' | 'users' | 'one node';
  readonly relays: number;
  readonly natsServers: number;
  readonly rowsPerSecond: number;
  readonly sourceGigabitsPerSecond: number;
  readonly dollars: { readonly traffic: number; readonly machines: number; readonly rows: number };
  /** Of all dollars a month, for each 1,000 viewers who watch all day. */
  readonly dollarsPerThousand: number;
}

function loadOf(demand: Demand, nodes: number, workers: number): Load {
  return {
    feed: demand.feed,
    nodes,
    workers,
    users: demand.viewers,
    channels: demand.channels,
    sourceChannels: demand.channels,
    packetsPerSecond: (demand.megabitsPerSecond * 1e6) / 8 / PAYLOAD_BYTES,
    payloadBytes: PAYLOAD_BYTES,
  };
}

/** Channels that each process takes in. */
function takenChannels({ feed, channels, viewers }: Demand, processes: number): number {
  return feed === 'tcp' ? channels : Math.min(channels, viewers / processes);
}

/** Of a node, the greater of in and out: a network card has each of them for itself. */
function gigabitsOfNode(demand: Demand, nodes: number, workers: number): number {
  const out = demand.viewers / nodes;
  const taken = workers * takenChannels(demand, nodes * workers);
  return (Math.max(out, taken) * demand.megabitsPerSecond * WIRE_PART) / 1e3;
}

interface Fit {
  readonly network: boolean;
  readonly cpu: boolean;
  readonly users: boolean;
}

function fits(demand: Demand, nodes: number, machine: Machine, costs: Costs): Fit {
  const { cores, fill } = machine;
  return {
    network: gigabitsOfNode(demand, nodes, cores) <= machine.gigabitsPerSecond * fill,
    cpu: estimate(loadOf(demand, nodes, cores), costs).processCores <= fill,
    users: demand.viewers / nodes <= machine.mostUsers,
  };
}

/** The fewest nodes for which all holds: what more nodes would break, as a source, is another part's bound. */
function fewestNodes(demand: Demand, machine: Machine, costs: Costs): number {
  const holds = (nodes: number) =>
    Object.values(fits(demand, nodes, machine, costs)).every(Boolean);
  let enough = 1;
  while (!holds(enough) && enough < demand.viewers) enough *= 2;
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (holds(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

function boundOf(demand: Demand, nodes: number, machine: Machine, costs: Costs): Plan['boundBy'] {
  if (nodes === 1) return 'one node';
  const { network, cpu } = fits(demand, nodes - 1, machine, costs);
  if (!network) return 'network';
  return cpu ? 'users' : 'cpu';
}

/** Relays share channels out where one core or one network card does not bear them all; each share has two. */
function relaysFor(demand: Demand, edge: Estimate, machine: Machine): number {
  if (demand.feed === 'tcp') return 0;
  const gigabits = (demand.channels * demand.megabitsPerSecond * WIRE_PART) / 1e3;
  const shares = Math.max(
    edge.relayCores / machine.fill,
    gigabits / machine.gigabitsPerSecond / machine.fill,
  );
  return RELAYS * Math.ceil(shares);
}

/** Each message comes from every relay, and goes to every process that takes its channel. */
function serversFor(demand: Demand, nodes: number, edge: Estimate, machine: Machine): number {
  if (demand.feed === 'tcp') return 0;
  const processes = nodes * machine.cores;
  const out =
    (RELAYS * processes * takenChannels(demand, processes) * demand.megabitsPerSecond * WIRE_PART) /
    1e3;
  const byNetwork = out / machine.gigabitsPerSecond / machine.fill;
  const byCpu = (RELAYS * edge.natsCores) / machine.cores / machine.fill;
  return Math.max(LEAST_SERVERS, Math.ceil(byNetwork), Math.ceil(byCpu));
}

export function plan(demand: Demand, machine: Machine, costs: Costs): Plan {
  const nodes = fewestNodes(demand, machine, costs);
  const edge = estimate(loadOf(demand, nodes, machine.cores), costs);
  const relays = relaysFor(demand, edge, machine);
  const natsServers = serversFor(demand, nodes, edge, machine);
  const sources = demand.feed === 'tcp' ? nodes * machine.cores : RELAYS;
  const rowsPerSecond = demand.viewers / FLUSH_SECONDS;
  const seconds = HOURS_OF_MONTH * 3600;
  const dollars = {
    traffic: edge.gigabytesPerSecond * seconds * PRICES.dollarsPerGigabyteOut,
    machines: (nodes + relays + natsServers) * HOURS_OF_MONTH * PRICES.dollarsPerMachineHour,
    rows: (rowsPerSecond * seconds * PRICES.dollarsPerMillionRows) / 1e6,
  };
  const sum = dollars.traffic + dollars.machines + dollars.rows;
  return {
    nodes,
    edge,
    usersOfNode: demand.viewers / nodes,
    nodeGigabitsPerSecond: gigabitsOfNode(demand, nodes, machine.cores),
    nodeMegabytes: edge.edgeMegabytes / nodes,
    boundBy: boundOf(demand, nodes, machine, costs),
    relays,
    natsServers,
    rowsPerSecond,
    sourceGigabitsPerSecond:
      (sources * demand.channels * demand.megabitsPerSecond * WIRE_PART) / 1e3,
    dollars,
    dollarsPerThousand: (sum * 1000) / demand.viewers,
  };
}
