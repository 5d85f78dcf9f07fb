/** What one measured point is made of. The fan-out's users and channels are those of each node. */
export interface Point {
  readonly name: string;
  readonly group: 'edge' | 'nats';
  readonly feed: 'tcp' | 'nats';
  readonly nodes: number;
  /** Processes of a node. */
  readonly workers: number;
  readonly usersOfNode: number;
  /** Channels that are watched, by as many users each. */
  readonly channels: number;
  /** Channels that the source has. */
  readonly sourceChannels: number;
  /** Of each channel. */
  readonly packetsPerSecond: number;
  /** Whether the model's costs were read from this point, or are tried on it. */
  readonly use: 'fit' | 'check';
}

const EDGE = { group: 'edge', feed: 'tcp', nodes: 1, workers: 1, packetsPerSecond: 100 } as const;
const NATS = { ...EDGE, group: 'nats', feed: 'nats' } as const;

function of(channels: number): Pick<Point, 'channels' | 'sourceChannels'> {
  return { channels, sourceChannels: channels };
}

export const POINTS: readonly Point[] = [
  { ...EDGE, ...of(1), name: '100 users', usersOfNode: 100, use: 'fit' },
  { ...EDGE, ...of(1), name: '300 users', usersOfNode: 300, use: 'check' },
  { ...EDGE, ...of(1), name: '800 users', usersOfNode: 800, use: 'fit' },
  { ...EDGE, ...of(1), name: '800 users, 2 workers', usersOfNode: 800, workers: 2, use: 'check' },
  { ...EDGE, ...of(1), name: '800 users, 4 workers', usersOfNode: 800, workers: 4, use: 'check' },
  { ...EDGE, ...of(10), name: '10 channels', usersOfNode: 300, use: 'check' },
  { ...EDGE, ...of(100), name: '100 channels', usersOfNode: 300, use: 'fit' },
  {
    ...EDGE,
    ...of(1000),
    name: '1,000 channels of 10/s',
    usersOfNode: 300,
    channels: 300,
    packetsPerSecond: 10,
    use: 'fit',
  },
  {
    ...EDGE,
    ...of(20),
    name: '20 channels of 400/s, 2 workers',
    usersOfNode: 400,
    workers: 2,
    packetsPerSecond: 400,
    use: 'check',
  },
  { ...NATS, ...of(10), name: '1 node on NATS', usersOfNode: 200, use: 'fit' },
  { ...NATS, ...of(10), name: '2 nodes on NATS', usersOfNode: 200, nodes: 2, use: 'check' },
  { ...NATS, ...of(10), name: '3 nodes on NATS', usersOfNode: 200, nodes: 3, use: 'check' },
  { ...NATS, ...of(10), name: '4 nodes on NATS', usersOfNode: 200, nodes: 4, use: 'check' },
  { ...NATS, ...of(100), name: '100 channels on NATS', usersOfNode: 300, use: 'fit' },
  {
    ...NATS,
    name: '3 of 1,000 channels of 10/s on NATS',
    channels: 3,
    sourceChannels: 1000,
    usersOfNode: 300,
    packetsPerSecond: 10,
    use: 'fit',
  },
  {
    ...NATS,
    ...of(20),
    name: '20 channels of 400/s on NATS',
    usersOfNode: 300,
    packetsPerSecond: 400,
    use: 'fit',
  },
  {
    ...NATS,
    ...of(50),
    name: '2 nodes, 50 channels of 200/s on NATS',
    usersOfNode: 150,
    nodes: 2,
    packetsPerSecond: 200,
    use: 'check',
  },
];
