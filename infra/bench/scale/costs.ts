import type { Costs } from './model.ts';

/**
 * Read on 25 November 2026 from the points of points.ts whose use is `fit`: two cores of an AMD EPYC, Linux 6.18, Node
 * 26.10, nats-server 2.15.2, all by loopback. Another machine has others: `npm run bench:scale` shows how far off they are.
 */
export const COSTS: Costs = {
  processCores: 0.02,
  supervisorCores: 0.004,
  read: 45,
  readsPerSecond: 10_000,
  natsMessage: 10,
  run: 10,
  write: 6,
  writtenKilobyte: 0.05,
  relayCores: 0.02,
  relayMessage: 15,
  serverCores: 0.005,
  serverMessage: 4,
  processMegabytes: 150,
  supervisorMegabytes: 100,
  userMegabytes: 0.01,
  channelMegabytes: 0.17,
  logMegabyte: 0.3,
};
