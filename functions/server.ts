import { loadConfig } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import { HTTP_CLOSE_MS, STORE_TIMEOUT_MS } from '../shared/limits.ts';
import { createLogger } from '../shared/logger.ts';
import { runService, type ServiceProcess } from '../shared/run-service.ts';
import { openStore } from '../shared/store/open-store.ts';
import { withTimeout } from '../shared/with-timeout.ts';
import { buildApp } from './app.ts';

/** Serves until it is told to stop. */
async function main({ output, stopped }: ServiceProcess): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'functions', output);

  const store = await Promise.race([openStore(config, logger), stopped]);
  if (typeof store === 'string') return;

  const app = buildApp({ store, logger });
  const { SERVER_HOST: host, SERVER_PORT: port } = config;
  const origin = await app.listen({ host, port }).catch((cause) => {
    throw new ConfigError(`SERVER_HOST, SERVER_PORT: ${cause.message}`, { cause });
  });
  app.server.on('error', (err) => logger.error({ err }, 'a client could not be accepted'));
  logger.info({ origin }, `ready to handle requests at ${origin}`);

  const signal = await stopped;
  logger.info({ signal }, 'stopping');
  // Idle connections are closed at once, and those with a request under way once it is answered, or at the latest here.
  setTimeout(() => app.server.closeAllConnections(), HTTP_CLOSE_MS).unref();
  await app.close();
  await withTimeout(store.close(), STORE_TIMEOUT_MS).catch((err) => {
    logger.warn({ err }, 'the store did not close');
  });
  logger.info('stopped');
}

await runService(main);
