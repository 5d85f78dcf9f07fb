/**
 * What a load costs in CPU and memory, by a few costs that were read from measured points. CPU is in cores (CPU seconds a
 * second), memory in megabytes of 10^6 bytes. It knows the defaults of the settings alone.
 */

import {
  LOAD_FULL_UTILIZATION,
  LOAD_IDLE_UTILIZATION,
  RELAY_LINGER_MS,
  RUN_MAX_BYTES,
} from '../../../shared/limits.ts';

/** Of PACKET_BATCH_SIZE, DELIVERY_LINGER_MS, DELIVERY_LOAD_FACTOR, CHANNEL_LOG_BYTES and CHANNEL_LOG_MS. */
const BATCH_PACKETS = 10;
const LINGER_SECONDS = 0.01;
const LARGEST_FACTOR = 10;
const LOG_MAX_MEGABYTES = 8.39;
const LOG_SECONDS = 5;
/** Halvings of the range of the load factor: to a thousandth. */
const HALVINGS = 14;

export interface Load {
  readonly feed: 'tcp' | 'nats';
  /** Each of which sends everything; by TCP there are none. */
  readonly relays: number;
  readonly nodes: number;
  /** Processes of a node. */
  readonly workers: number;
  readonly users: number;
  /** Channels that are watched on each node, by as many users each, where it has so many users. */
  readonly channels: number;
  /** Channels that the source has. */
  readonly sourceChannels: number;
  /** Of each channel. */
  readonly packetsPerSecond: number;
  readonly payloadBytes: number;
}

/** Microseconds of CPU for each, unless it is named otherwise. */
export interface Costs {
  readonly processCores: number;
  /** The process that watches over several workers. */
  readonly supervisorCores: number;
  /** A read from the source's socket, or from the server's, with what has come by then. */
  readonly read: number;
  /** What reads come to, a second, however much arrives: from there on each takes more in. */
  readonly readsPerSecond: number;
  /** A packet, put in order and searched for entry points. */
  readonly packet: number;
  /** The same of a message of NATS. */
  readonly natsRead: number;
  /** A run of a channel that somebody watches, however many do. */
  readonly run: number;
  /** A write to a user, whatever it holds. */
  readonly write: number;
  readonly writtenKilobyte: number;
  readonly relayCores: number;
  /** A message that it publishes, beside its part of a read. */
  readonly relayMessage: number;
  /** A channel that it knows, a second: it keeps a backlog of each and tells of all. */
  readonly relayChannel: number;
  readonly serverCores: number;
  /** A message that a NATS server sends to a process. */
  readonly serverMessage: number;
  /** What its sends to one process come to, a second, however many messages there are. */
  readonly serverSendsPerSecond: number;
  readonly processMegabytes: number;
  readonly supervisorMegabytes: number;
  readonly userMegabytes: number;
  readonly channelMegabytes: number;
  /** Resident for each megabyte of a channel's log. */
  readonly logMegabyte: number;
}

export interface Estimate {
  /** Of all nodes together. */
  readonly edgeCores: number;
  readonly edgeMegabytes: number;
  /** Of the busiest process, which has one core. */
  readonly processCores: number;
  readonly loadFactor: number;
  /** Of each relay. */
  readonly relayCores: number;
  /** Of all NATS servers together. */
  readonly natsCores: number;
  /** Payload to all users. */
  readonly gigabytesPerSecond: number;
}

/** Packets in a run of a channel, which begins with one and takes what comes until it is full or its linger ends. */
export function packetsOfRun(
  packetsPerSecond: number,
  payloadBytes: number,
  loadFactor: number,
): number {
  const within = 1 + packetsPerSecond * LINGER_SECONDS * loadFactor;
  return Math.min(within, BATCH_PACKETS * loadFactor, Math.max(1, RUN_MAX_BYTES / payloadBytes));
}

/** How far runs grow when the event loop is busy for that part of its time. */
function factorAt(utilization: number): number {
  const part =
    (utilization - LOAD_IDLE_UTILIZATION) / (LOAD_FULL_UTILIZATION - LOAD_IDLE_UTILIZATION);
  return 1 + Math.min(1, Math.max(0, part)) * (LARGEST_FACTOR - 1);
}

interface Process {
  readonly users: number;
  readonly watched: number;
  /** Channels that come in, watched or not. */
  readonly taken: number;
}

function processOf(load: Load): Process {
  const users = load.users / load.nodes / load.workers;
  const watched = Math.min(load.channels, users);
  return { users, watched, taken: load.feed === 'tcp' ? load.sourceChannels : watched };
}

/** A relay's messages of one channel: each holds what came within its linger. */
function messagesOfChannel(packetsPerSecond: number): number {
  return Math.min(packetsPerSecond, 1000 / RELAY_LINGER_MS);
}

/** Busy loops read less often, and more at once. */
function readMicros(arrivals: number, read: number, { readsPerSecond }: Costs): number {
  return (read * arrivals) / (1 + arrivals / readsPerSecond);
}

/** CPU in µs a second of a process that takes in so many channels, before they are runs. */
function intakeMicros(load: Load, taken: number, costs: Costs): number {
  const { feed, relays, packetsPerSecond } = load;
  if (feed === 'tcp') {
    const packets = taken * packetsPerSecond;
    return readMicros(packets, costs.read, costs) + packets * costs.packet;
  }
  const messages = relays * taken * messagesOfChannel(packetsPerSecond);
  const packets = relays * taken * packetsPerSecond;
  return readMicros(messages, costs.natsRead, costs) + packets * costs.packet;
}

function relayCores(load: Load, costs: Costs): number {
  if (load.feed === 'tcp') return 0;
  const { sourceChannels, packetsPerSecond } = load;
  const messages = sourceChannels * messagesOfChannel(packetsPerSecond);
  const micros =
    readMicros(sourceChannels * packetsPerSecond, costs.read, costs) +
    messages * costs.relayMessage +
    sourceChannels * costs.relayChannel;
  return costs.relayCores + micros / 1e6;
}

/** What it costs to take messages in was too little, at these rates, to be told from the server's own. */
function natsCores(load: Load, taken: number, costs: Costs): number {
  const { feed, relays, nodes, workers, packetsPerSecond, payloadBytes } = load;
  if (feed === 'tcp') return 0;
  const messages = relays * taken * messagesOfChannel(packetsPerSecond);
  const kilobytes = (relays * taken * packetsPerSecond * payloadBytes) / 1e3;
  const ofProcess =
    (costs.serverMessage * messages) / (1 + messages / costs.serverSendsPerSecond) +
    kilobytes * costs.writtenKilobyte;
  return costs.serverCores + (nodes * workers * ofProcess) / 1e6;
}

/** Busier, runs are larger and each packet costs less, so load and cost settle where they agree: at one place alone. */
function settledProcess(load: Load, costs: Costs): { cores: number; loadFactor: number } {
  const { users, watched, taken } = processOf(load);
  const { packetsPerSecond, payloadBytes, workers } = load;
  const kilobytes = (users * packetsPerSecond * payloadBytes) / 1e3;
  const fixed = intakeMicros(load, taken, costs) + kilobytes * costs.writtenKilobyte;
  const coresAt = (loadFactor: number) => {
    const runs = packetsPerSecond / packetsOfRun(packetsPerSecond, payloadBytes, loadFactor);
    const micros = fixed + runs * (users * costs.write + watched * costs.run);
    return costs.processCores + micros / 1e6;
  };
  let [low, high] = [1, LARGEST_FACTOR];
  for (let i = 0; i < HALVINGS; i += 1) {
    const middle = (low + high) / 2;
    if (factorAt(coresAt(middle) * workers) > middle) low = middle;
    else high = middle;
  }
  return { cores: coresAt(low), loadFactor: low };
}

export function estimate(load: Load, costs: Costs): Estimate {
  const { nodes, workers, users, packetsPerSecond, payloadBytes } = load;
  const process = processOf(load);
  const settled = settledProcess(load, costs);
  const supervised = workers > 1;
  const logMegabytes = Math.min(
    LOG_MAX_MEGABYTES,
    (packetsPerSecond * payloadBytes * LOG_SECONDS) / 1e6,
  );
  const megabytes =
    costs.processMegabytes +
    process.users * costs.userMegabytes +
    process.taken * (costs.channelMegabytes + logMegabytes * costs.logMegabyte);
  return {
    edgeCores: nodes * (workers * settled.cores + (supervised ? costs.supervisorCores : 0)),
    edgeMegabytes: nodes * (workers * megabytes + (supervised ? costs.supervisorMegabytes : 0)),
    processCores: settled.cores,
    loadFactor: settled.loadFactor,
    relayCores: relayCores(load, costs),
    natsCores: natsCores(load, process.taken, costs),
    gigabytesPerSecond: (users * packetsPerSecond * payloadBytes) / 1e9,
  };
}
