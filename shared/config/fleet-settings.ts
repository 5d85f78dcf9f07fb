import { availableParallelism } from 'node:os';
import { integer, type Parse, setting } from './setting.ts';

const MOST_WORKERS = 256;

/** A number of workers; `auto` is one for each core that the process may use. */
const workers: Parse<number> = (text) => {
  if (text === 'auto') return Math.min(availableParallelism(), MOST_WORKERS);
  try {
    return integer(1, MOST_WORKERS)(text);
  } catch (cause) {
    throw new RangeError(`auto, or a whole number from 1 to ${MOST_WORKERS}`, { cause });
  }
};

/** How an edge node grows beyond one process. */
export const FLEET_SETTINGS = {
  'Growing, of an edge node': {
    EDGE_WORKERS: setting(
      workers,
      '1',
      'Processes that serve the users of one edge node, on the same ports; `auto` is one for each core that it may use. Each reads the channel source for itself, and keeps logs of its own. Limits hold for all of them together. With 1 there is one process, and none that supervises it. More than 1 needs Linux, or another system that spreads the connections to a port (SO_REUSEPORT).',
    ),
  },
} as const;
