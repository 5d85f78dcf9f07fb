import { stat } from 'node:fs/promises';
import { systemClock } from '../../../shared/clock.ts';
import { loadConfig } from '../../../shared/config.ts';
import { ConfigError, StoreSetupError } from '../../../shared/errors.ts';
import { STORE_SAVE_TIMEOUT_MS } from '../../../shared/limits.ts';
import { createLogger, LogLimiter } from '../../../shared/logger.ts';
import { openStore } from '../../../shared/store/open-store.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';
import { SpoolFolder } from './spool-folder.ts';
import { SpoolReader } from './spool-reader.ts';

/**
 * `npm run spool -- DIR`: stores the rows of a spool folder by hand, for one whose edge node will not come back. It
 * may run beside living edge nodes, and twice.
 */
async function replay(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) throw new Error(`${path} is not a folder`);
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'spool');
  const log = new LogLimiter(logger);
  const store = await openStore(config, logger);
  const reader = new SpoolReader({
    folder: new SpoolFolder(path),
    clock: systemClock(),
    log,
    skips: () => false,
    save: async (rows) => {
      const [refused] = await withTimeout(store.saveUsage(rows), STORE_SAVE_TIMEOUT_MS);
      if (refused) throw refused.error;
    },
  });
  try {
    await reader.pass();
  } finally {
    log.flush();
    await store.close();
  }
  const { filesRead, rowsRead, rowsTooOld, filesDamaged, filesFailed } = reader.stats;
  if (filesFailed > 0) process.exitCode = 1;
  return [
    `${path}: ${filesRead} files read and removed, ${rowsRead} rows stored`,
    `${rowsTooOld} rows older than 24 h dropped`,
    `${filesDamaged} damaged files set aside, ${filesFailed} failures`,
  ].join('; ');
}

const [path, ...rest] = process.argv.slice(2);
if (path === undefined || path.startsWith('-') || rest.length > 0) {
  process.stderr.write('usage: npm run spool -- DIR   (the store is the one that STORE names)\n');
  process.exitCode = 2;
} else {
  try {
    process.stdout.write(`${await replay(path)}\n`);
  } catch (error) {
    const isSetup = error instanceof ConfigError || error instanceof StoreSetupError;
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(isSetup ? `${reason}\n` : `${reason}; what is not stored stays there\n`);
    process.exitCode = 1;
  }
}
