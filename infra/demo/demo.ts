/**
 * `make demo`: a channel source, the two services and five users, on this machine alone. Exits 0 when every user got
 * exactly what was played, and /usage says so.
 *   DEMO_SECONDS=15     how long the users watch; 0: until it is stopped, with nothing kept and nothing compared
 *   DEMO_LOGS=stdout    shows the services' logs, which are files otherwise
 *   DEMO_DIR=demo-out   takes the received streams, the logs and the embedded store
 *   STORE=sqlite        or cassandra, dynamodb: a real engine is started for the demo, and ends with it
 *   SERVER_PORT, STREAM_PORT, WATCH_PORT, ADMIN_PORT, CHANNEL_SOURCE_PORT are taken where they are free
 */
import { resolve } from 'node:path';
import { type Config, SETTINGS } from '../../shared/config.ts';
import { DemoError } from './demo-error.ts';
import { runDemo } from './scenario.ts';
import { Screen } from './screen.ts';
import { killServices } from './services/service.ts';

const MAX_SECONDS = 86_400;

const logsToStdout = process.env.DEMO_LOGS === 'stdout';
const screen = new Screen(logsToStdout);

process.once('exit', killServices);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    screen.line(`\nstopped by ${signal}; nothing is left running`);
    process.exit(130);
  });
}

function demoSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_SECONDS) return seconds;
  throw new DemoError(
    `DEMO_SECONDS must be a whole number from 0 to ${MAX_SECONDS}, not "${text}"`,
  );
}

function storeName(text: string): Config['STORE'] {
  try {
    return SETTINGS.STORE.parse(text);
  } catch (error) {
    throw new DemoError(
      `STORE must be ${error instanceof Error ? error.message : error}, not "${text}"`,
    );
  }
}

try {
  const { DEMO_SECONDS, DEMO_DIR, STORE } = process.env;
  const good = await runDemo(screen, {
    seconds: demoSeconds(DEMO_SECONDS || '15'),
    folder: resolve(DEMO_DIR || 'demo-out'),
    logsToStdout,
    store: storeName(STORE || 'sqlite'),
  });
  process.exit(good ? 0 : 1);
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  screen.line(`\n${screen.paint('red', '✗')} ${error.message}`);
  process.exit(1);
}
