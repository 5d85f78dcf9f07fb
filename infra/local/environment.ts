import { isIP } from 'node:net';

/** Demo, tests and benches must reach nothing but this machine, whatever the shell they start from is set up for. */

type Environment = Readonly<Record<string, string | undefined>>;

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** Signed requests need keys, and local engines take any. */
const DUMMY_AWS: Environment = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  // Else the SDK would look for a role at the address where EC2 gives them.
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** `env` without anything that leads to a store elsewhere; requests to loopback never go through a proxy. */
export function cleanEnvironment(env: Environment): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !/^(AWS_|DB_|DYNAMODB_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    ...DUMMY_AWS,
    NO_PROXY: LOOPBACK.join(),
    no_proxy: LOOPBACK.join(),
  };
}

/**
 * @param endpoint host:port or a URL
 * @throws RangeError when it is not on this machine
 */
export function assertLoopback(endpoint: string): string {
  const url = endpoint.includes('://') ? endpoint : `tcp://${endpoint}`;
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const isLoopback = LOOPBACK.includes(host) || (isIP(host) === 4 && host.startsWith('127.'));
  if (!isLoopback) throw new RangeError(`${endpoint} is not on this machine`);
  return endpoint;
}
