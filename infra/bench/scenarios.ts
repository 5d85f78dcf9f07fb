export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly users: number;
  /** Users on top who connect, ask for a channel and never read. */
  readonly stalledUsers: number;
  readonly channels: number;
  /** Left out, they ask by the line of 9111; HTTP the relay does not speak. */
  readonly transport?: 'http';
  /** Channels that the source has, where it has more than users watch. */
  readonly sourceChannels?: number;
  /** Of each channel; 0 is flat out. */
  readonly packetsPerSecond: number;
  /** From when all receive: for the JIT, and for batch and linger to follow the load. */
  readonly warmUpSeconds: number;
  /** The measured interval. */
  readonly seconds: number;
}

const PACED = {
  stalledUsers: 0,
  channels: 1,
  packetsPerSecond: 100,
  warmUpSeconds: 4,
  seconds: 10,
};

function fanOut(users: number): Scenario {
  return { ...PACED, name: `fanout-${users}`, about: `${users} users, 100 packets/s`, users };
}

export const SCENARIOS: readonly Scenario[] = [
  fanOut(1),
  fanOut(100),
  // Whether memory is flat shows only after V8's young generation has grown to its size.
  { ...fanOut(1000), warmUpSeconds: 60, seconds: 60 },
  {
    ...fanOut(1000),
    name: 'http-1000',
    about: '1000 users over HTTP, 100 packets/s',
    transport: 'http',
    warmUpSeconds: 60,
    seconds: 60,
  },
  fanOut(5000),
  {
    ...PACED,
    name: 'rate-400',
    about: '1000 users, 400 packets/s: the batch ends the wait',
    users: 1000,
    packetsPerSecond: 400,
  },
  {
    ...PACED,
    name: 'channels-50',
    about: '1000 users over 50 channels, 100 packets/s each',
    users: 1000,
    channels: 50,
  },
  { ...PACED, name: 'flat-out', about: '100 users, flat out', users: 100, packetsPerSecond: 0 },
  { ...PACED, name: 'stalled-0', about: '99 users beside no stalled one', users: 99 },
  { ...PACED, name: 'stalled-1', about: '99 users beside 1 stalled', users: 99, stalledUsers: 1 },
  {
    ...PACED,
    name: 'stalled-1000',
    about: '100 users beside 1000 stalled',
    users: 100,
    stalledUsers: 1000,
  },
];

export const MOST_USERS = Math.max(
  ...SCENARIOS.map(({ users, stalledUsers }) => users + stalledUsers),
);
