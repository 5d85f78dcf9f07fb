import type { Costs } from './model.ts';

/**
 * Read on 25 November 2026 from the points of points.ts whose use is `fit`: two cores of an AMD EPYC and nothing else at
 * work, Linux 6.18, Node 26.10, nats-server 2.15.2, all by loopback. Another machine has others: `npm run bench:scale`
 * shows how far off they are. Those of a packet and a written kilobyte are too little to be told there: the first is what
 * decode.ts and micro/scan.ts measure, the other is a guess that counts at high rates alone.
 */
export const COSTS: Costs = {
  processCores: 0.051,
  supervisorCores: 0.004,
  read: 99,
  readsPerSecond: 1600,
  packet: 0.7,
  natsRead: 63,
  run: 82,
  write: 5.85,
  writtenKilobyte: 0.05,
  relayCores: 0.021,
  relayMessage: 21.6,
  relayChannel: 72,
  serverCores: 0.0646,
  serverMessage: 23.5,
  serverSendsPerSecond: 2860,
  processMegabytes: 181,
  supervisorMegabytes: 124,
  userMegabytes: 0.0035,
  channelMegabytes: 0.17,
  logMegabyte: 1.5,
};
