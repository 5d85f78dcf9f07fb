import type { Costs } from './model.ts';

/**
 * Read on 25 November 2026 from the points of points.ts whose use is `fit`: two cores of an AMD EPYC beside other work,
 * Linux 6.18, Node 26.10, nats-server 2.15.2, all by loopback. Another machine has others: `npm run bench:scale` shows how
 * far off they are. Those of a packet, a message of NATS and a written kilobyte are too little to be told there: the
 * first is what decode.ts and micro/scan.ts measure, the others are guesses that count at high rates alone.
 */
export const COSTS: Costs = {
  processCores: 0.06,
  supervisorCores: 0.004,
  read: 76,
  readsPerSecond: 1235,
  packet: 0.7,
  natsMessage: 2,
  run: 86,
  write: 4.8,
  writtenKilobyte: 0.05,
  relayCores: 0.05,
  relayMessage: 25,
  serverCores: 0.065,
  serverMessage: 20,
  serverSendsPerSecond: 3000,
  processMegabytes: 181,
  supervisorMegabytes: 124,
  userMegabytes: 0.0035,
  channelMegabytes: 0.17,
  logMegabyte: 1.5,
};
