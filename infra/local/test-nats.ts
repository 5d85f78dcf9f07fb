import { onTestFinished } from 'vitest';
import { NatsServers } from './nats/nats-servers.ts';

/**
 * The program of the NATS server that tests run: `npm test` prepares it and says where it is. Where it is not set, tests
 * that need it are skipped, and `npm test` says so at its end.
 */
export const NATS_PROGRAM = process.env.TEST_NATS_SERVER;

/** A server, or a cluster of several, that ends with the test. */
export async function startNats(
  count?: number,
  options?: Parameters<typeof NatsServers.start>[2],
): Promise<NatsServers> {
  if (NATS_PROGRAM === undefined) throw new RangeError('TEST_NATS_SERVER is not set');
  const nats = await NatsServers.start(NATS_PROGRAM, count, options);
  onTestFinished(() => nats.stop());
  return nats;
}
