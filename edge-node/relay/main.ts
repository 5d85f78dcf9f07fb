import { loadConfig } from '../../shared/config.ts';
import { createLogger } from '../../shared/logger.ts';
import { runService, type ServiceProcess } from '../../shared/run-service.ts';
import { Relay } from './relay.ts';

/** Runs until it is told to stop. */
async function main({ output, stopped, onImpatience }: ServiceProcess): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'relay', output);
  const relay = new Relay({ config, logger, droppedLogLines: () => output.droppedLines });
  const { admin } = await relay.start();
  logger.info(
    { admin: admin.port },
    `ready to relay ${config.CHANNEL_SOURCE_HOST} to NATS, admin at ${admin.address}:${admin.port}`,
  );
  onImpatience(() => relay.hurry());
  const signal = await stopped;
  logger.info({ signal }, 'stopping');
  await relay.stop();
  logger.info('stopped');
}

await runService(main);
