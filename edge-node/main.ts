import { setFlagsFromString } from 'node:v8';
import { BackgroundOutput } from '../shared/background-output.ts';
import { loadConfig } from '../shared/config.ts';
import { ConfigError, StoreSetupError } from '../shared/errors.ts';
import { createLogger } from '../shared/logger.ts';
import { openStore } from '../shared/store/open-store.ts';
import { withTimeout } from '../shared/with-timeout.ts';
import { EdgeNode } from './edge-node.ts';

// Little outlives a turn of the event loop here: a young generation that grows costs 15 MB and more, and saves nothing.
setFlagsFromString('--semi-space-growth-factor=1');

/** Runs until SIGTERM or SIGINT, which count while it starts, too. */
async function main(output: BackgroundOutput): Promise<void> {
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'edge-node', output);

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
  for (const again of ['SIGTERM', 'SIGINT'] as const) process.on(again, () => edge.hurry());
  await edge.stop();
  logger.info('stopped');
}

const STDOUT = 1;
/** What a reader of the log who has stopped reading is waited for at the end. */
const LOG_DRAIN_MS = 1_000;

const output = new BackgroundOutput(STDOUT);
const exitCode = await main(output).then(
  () => 0,
  (error: unknown) => {
    if (!(error instanceof ConfigError || error instanceof StoreSetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  },
);
await withTimeout(output.drained(), LOG_DRAIN_MS).catch(() => {});
process.exit(exitCode);
