import { setFlagsFromString } from 'node:v8';
import { loadConfig } from '../shared/config.ts';
import { ConfigError, StoreSetupError } from '../shared/errors.ts';
import { createLogger } from '../shared/logger.ts';
import { openStore } from '../shared/store/open-store.ts';
import { EdgeNode } from './edge-node.ts';

// Little outlives a turn of the event loop here: a young generation that grows costs 15 MB and more, and saves nothing.
setFlagsFromString('--semi-space-growth-factor=1');

/** Runs until SIGTERM or SIGINT, which count while it starts, too. */
async function main(): Promise<void> {
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'edge-node', true);

  const store = await Promise.race([openStore(config, logger), stopped]);
  if (typeof store === 'string') return;

  const edge = new EdgeNode({ config, store, logger });
  const { users, admin } = await edge.start().catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`STREAM_HOST, STREAM_PORT, ADMIN_HOST, ADMIN_PORT: ${reason}`, { cause });
  });
  logger.info(
    { users: users.port, admin: admin.port },
    `ready to handle users at ${users.address}:${users.port}, admin at ${admin.address}:${admin.port}`,
  );

  const signal = await stopped;
  logger.info({ signal }, 'stopping');
  await edge.stop();
  logger.info('stopped');
}

try {
  await main();
  process.exit(0);
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StoreSetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
