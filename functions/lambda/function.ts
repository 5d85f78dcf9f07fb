import { loadConfig } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import { createLogger, LogLimiter } from '../../shared/logger.ts';
import { createDynamoDbStore } from '../../shared/store/dynamodb/dynamodb-store.ts';
import { buildApp } from '../app.ts';
import type { Route } from '../route.ts';
import { openTracing } from '../tracing/open-tracing.ts';
import { accessBySubject, type HttpAnswer, httpApiHandler } from './http-api.ts';

/**
 * A function that serves these routes, from the environment's settings. Nothing is sent at its start: the first request
 * opens connections to DynamoDB, and those that follow reuse them.
 * @throws ConfigError where STORE is not dynamodb: a function lives too shortly to connect to every node of Cassandra,
 *   and alone with its file of SQLite
 */
export function lambdaFunction(...routes: readonly Route[]) {
  const config = loadConfig(process.env);
  if (config.STORE !== 'dynamodb') {
    throw new ConfigError(`STORE must be dynamodb in Lambda, not ${config.STORE}`);
  }
  const logger = createLogger(config.LOG_LEVEL, 'functions');
  const store = createDynamoDbStore({ tablePrefix: config.DYNAMODB_TABLE_PREFIX });
  const limiter = new LogLimiter(logger);
  const serving = openTracing({ env: process.env, store: config.STORE, limiter }).then(
    (tracing) => {
      const app = buildApp({ store, logger, tracing, authorize: accessBySubject }, routes);
      return { tracing, answer: httpApiHandler(app, logger) };
    },
  );
  return async (event: unknown, context: unknown): Promise<HttpAnswer> => {
    const { tracing, answer } = await serving;
    const answered = await answer(event, context);
    // The process is frozen once it has answered, and with it whatever it had still to send.
    await tracing?.flush();
    return answered;
  };
}
