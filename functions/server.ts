import { loadConfig } from '../shared/config.ts';
import { createLogger } from '../shared/logger.ts';
import { runService, type ServiceProcess } from '../shared/run-service.ts';
import { closeStore, openStore } from '../shared/store/open-store.ts';
import { startHttpService } from './http-service.ts';

/** Serves until it is told to stop. */
async function main({ output, stopped }: ServiceProcess): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'functions', output);

  const store = await Promise.race([openStore(config, logger), stopped]);
  if (typeof store === 'string') return;

  const droppedLogLines = () => output.droppedLines;
  const service = await startHttpService({ config, store, logger, droppedLogLines });
  const { origin, metricsOrigin } = service;
  logger.info({ origin, metricsOrigin }, `ready to handle requests at ${origin}`);

  const signal = await stopped;
  logger.info({ signal }, 'stopping');
  await service.stop();
  await closeStore(store, logger);
  logger.info('stopped');
}

await runService(main);
