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

/** Four cores, and what AWS lets a machine of less than 32 send to the internet. */
export const MACHINE: Machine = {
  cores: 4,
  gigabitsPerSecond: 5,
  fill: 0.6,
  mostUsers: 20_000,
};

/** What sets the number of nodes. */
type Bound = 'network' | 'cpu' | 'users' | 'one node';

export interface Plan {
  readonly nodes: number;
  /** Of each node. */
  readonly workers: number;
  readonly boundBy: Bound;
  /** What is used, not what is there. */
  readonly edge: Estimate;
  readonly usersOfNode: number;
  readonly nodeGigabitsPerSecond: number;
  readonly nodeMegabytes: number;
  readonly relays: number;
  readonly natsServers: number;
  readonly rowsPerSecond: number;
  readonly sourceGigabitsPerSecond: number;
  /** A month, for 1,000 viewers who watch all day. */
  readonly dollarsPerThousand: {
    readonly traffic: number;
    readonly machines: number;
    readonly rows: number;
  };
}

/** Nodes that are all alike. */
interface Fleet {
  readonly demand: Demand;
  readonly machine: Machine;
  readonly costs: Costs;
  readonly workers: number;
}

function estimateOf({ demand, costs, workers }: Fleet, nodes: number): Estimate {
  const load: Load = {
    feed: demand.feed,
    relays: demand.feed === 'nats' ? RELAYS : 0,
    nodes,
    workers,
    users: demand.viewers,
    channels: demand.channels,
    sourceChannels: demand.channels,
    packetsPerSecond: (demand.megabitsPerSecond * 1e6) / 8 / PAYLOAD_BYTES,
    payloadBytes: PAYLOAD_BYTES,
  };
  return estimate(load, costs);
}

function gigabits(channels: number, { megabitsPerSecond }: Demand): number {
  return (channels * megabitsPerSecond * WIRE_PART) / 1e3;
}

/** Channels that come to a node, each as often as it has a process that takes it and a relay that sends it. */
function channelsInto({ demand, workers }: Fleet, nodes: number): number {
  const { feed, channels, viewers } = demand;
  if (feed === 'tcp') return workers * channels;
  return RELAYS * workers * Math.min(channels, viewers / nodes / workers);
}

/** The greater of in and out: a network card has each of them for itself. */
function gigabitsOfNode(fleet: Fleet, nodes: number): number {
  const { demand } = fleet;
  return gigabits(Math.max(demand.viewers / nodes, channelsInto(fleet, nodes)), demand);
}

/** What so many nodes are not enough for, if there is anything. */
function shortage(fleet: Fleet, nodes: number): Exclude<Bound, 'one node'> | undefined {
  const { demand, machine } = fleet;
  if (gigabitsOfNode(fleet, nodes) > machine.gigabitsPerSecond * machine.fill) return 'network';
  if (estimateOf(fleet, nodes).processCores > machine.fill) return 'cpu';
  return demand.viewers / nodes > machine.mostUsers ? 'users' : undefined;
}

/** The fewest nodes that are enough; undefined where a node for each viewer would not be. */
function fewestNodes(fleet: Fleet): number | undefined {
  let enough = 1;
  while (shortage(fleet, enough) !== undefined) {
    if (enough >= fleet.demand.viewers) return undefined;
    enough *= 2;
  }
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (shortage(fleet, middle) === undefined) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/** Each process takes in its channels by itself: more of them are not always better. */
function smallestFleet(demand: Demand, machine: Machine, costs: Costs) {
  let smallest: { fleet: Fleet; nodes: number } | undefined;
  for (let workers = 1; workers <= machine.cores; workers += 1) {
    const fleet = { demand, machine, costs, workers };
    const nodes = fewestNodes(fleet);
    if (nodes !== undefined && nodes < (smallest?.nodes ?? Number.POSITIVE_INFINITY)) {
      smallest = { fleet, nodes };
    }
  }
  return smallest;
}

/** Relays share channels out where one core or one network card does not bear them all; each share has two. */
function relaysFor({ demand, machine }: Fleet, edge: Estimate): number {
  if (demand.feed === 'tcp') return 0;
  const byNetwork = gigabits(demand.channels, demand) / machine.gigabitsPerSecond;
  return RELAYS * Math.ceil(Math.max(edge.relayCores, byNetwork) / machine.fill);
}

/** Each message goes to every process that takes its channel. What servers send each other is little beside that. */
function serversFor(fleet: Fleet, nodes: number, edge: Estimate): number {
  const { demand, machine } = fleet;
  if (demand.feed === 'tcp') return 0;
  const out = gigabits(nodes * channelsInto(fleet, nodes), demand);
  const byNetwork = out / machine.gigabitsPerSecond;
  const byCpu = edge.natsCores / machine.cores;
  return Math.max(LEAST_SERVERS, Math.ceil(Math.max(byNetwork, byCpu) / machine.fill));
}

/** Undefined where one process cannot take in what it has to, with however few users. */
export function plan(demand: Demand, machine: Machine, costs: Costs): Plan | undefined {
  const smallest = smallestFleet(demand, machine, costs);
  if (smallest === undefined) return undefined;
  const { fleet, nodes } = smallest;
  const edge = estimateOf(fleet, nodes);
  const relays = relaysFor(fleet, edge);
  const natsServers = serversFor(fleet, nodes, edge);
  const readers = demand.feed === 'tcp' ? nodes * fleet.workers : RELAYS;
  const rowsPerSecond = demand.viewers / FLUSH_SECONDS;
  const seconds = HOURS_OF_MONTH * 3600;
  const ofThousand = 1000 / demand.viewers;
  return {
    nodes,
    workers: fleet.workers,
    boundBy: nodes === 1 ? 'one node' : (shortage(fleet, nodes - 1) ?? 'one node'),
    edge,
    usersOfNode: demand.viewers / nodes,
    nodeGigabitsPerSecond: gigabitsOfNode(fleet, nodes),
    nodeMegabytes: edge.edgeMegabytes / nodes,
    relays,
    natsServers,
    rowsPerSecond,
    sourceGigabitsPerSecond: gigabits(readers * demand.channels, demand),
    dollarsPerThousand: {
      traffic: edge.gigabytesPerSecond * seconds * PRICES.dollarsPerGigabyteOut * ofThousand,
      machines:
        (nodes + relays + natsServers) * HOURS_OF_MONTH * PRICES.dollarsPerMachineHour * ofThousand,
      rows: ((rowsPerSecond * seconds * PRICES.dollarsPerMillionRows) / 1e6) * ofThousand,
    },
  };
}
