import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../shared/clock.ts';
import { loadConfig } from '../shared/config.ts';
import { createLogger } from '../shared/logger.ts';
import { runService, type ServiceProcess } from '../shared/run-service.ts';
import { openStore } from '../shared/store/open-store.ts';
import { EdgeNode } from './edge-node.ts';

// Little outlives a turn of the event loop here: a young generation that grows costs 15 MB and more, and saves nothing.
setFlagsFromString('--semi-space-growth-factor=1');

/** Runs until it is told to stop. */
async function main({ output, stopped, onImpatience, mayHang }: ServiceProcess): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'edge-node', output);

  const clock = systemClock();
  const store = await Promise.race([openStore(config, logger, clock), stopped]);
  if (typeof store === 'string') return;

  const edge = new EdgeNode({
    config,
    store,
    logger,
    clock,
    droppedLogLines: () => output.droppedLines,
  });
  const { users, watch, admin } = await edge.start();
  logger.info(
    { users: users.port, watch: watch.port, admin: admin.port },
    `ready to handle users at ${users.address}:${users.port}, players at http://${watch.address}:${watch.port}, admin at ${admin.address}:${admin.port}`,
  );

  onImpatience(() => edge.hurry());
  const signal = await stopped;
  logger.info({ signal }, 'stopping');
  await edge.stop();
  mayHang(edge.spoolFolder.idle());
  logger.info('stopped');
}

await runService(main);
