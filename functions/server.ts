import { loadConfig } from '../shared/config.ts';
import { STORE_TIMEOUT_MS } from '../shared/limits.ts';
import { createLogger } from '../shared/logger.ts';
import { runService, type ServiceProcess } from '../shared/run-service.ts';
import { openStore } from '../shared/store/open-store.ts';
import { withTimeout } from '../shared/with-timeout.ts';
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
  await withTimeout(store.close(), STORE_TIMEOUT_MS).catch((err) => {
    logger.warn({ err }, 'the store did not close');
  });
  logger.info('stopped');
}

await runService(main);
