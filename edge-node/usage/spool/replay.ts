import { stat } from 'node:fs/promises';
import { systemClock } from '../../../shared/clock.ts';
import { loadConfig } from '../../../shared/config.ts';
import { ConfigError, reasonOf, StoreSetupError } from '../../../shared/errors.ts';
import { STORE_SAVE_TIMEOUT_MS } from '../../../shared/limits.ts';
import { createLogger, LogLimiter } from '../../../shared/logger.ts';
import { closeStore, openStore } from '../../../shared/store/open-store.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';
import { newWriterId } from '../meter.ts';
import { namesOf, SpoolFolder } from './spool-folder.ts';
import { SpoolLease } from './spool-lease.ts';
import { SpoolReader } from './spool-reader.ts';

/**
 * `npm run spool -- DIR`: stores the rows of a spool folder by hand, for one whose edge node will not come back. It
 * may run beside living edge nodes, and twice.
 */
async function replay(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) throw new ConfigError(`${path} is not a folder`);
  const config = loadConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL, 'spool');
  const limiter = new LogLimiter(logger);
  const clock = systemClock();
  const store = await openStore(config, logger, clock);
  const folder = new SpoolFolder(path);
  const owner = newWriterId();
  const lease = new SpoolLease(folder, owner, clock);
  const reader = new SpoolReader({
    folder,
    owner,
    lease,
    clock,
    limiter,
    newName: namesOf(owner),
    skips: () => false,
    takesAll: true,
    isStoreReady: () => true,
    save: async (rows) => {
      const refused = await withTimeout(store.saveUsage(rows), STORE_SAVE_TIMEOUT_MS);
      return { kind: 'answered', refused: new Set(refused.map(({ row }) => row)) };
    },
  });
  try {
    await reader.pass();
  } finally {
    await lease.release();
    limiter.flush();
    await closeStore(store, logger);
  }
  const { filesRead, rowsRead, rowsDoubted, rowsRefused } = reader.stats;
  const { filesDamaged, filesNewer, filesFailed } = reader.stats;
  const troubles = rowsDoubted + rowsRefused + filesDamaged + filesNewer + filesFailed;
  if (troubles > 0) process.exitCode = 1;
  return [
    `${path}: ${filesRead} files read and removed, ${rowsRead} rows stored`,
    `${rowsDoubted} rows older than 24 h stay there, should the clock be wrong`,
    `${rowsRefused} rows refused by the store stay there`,
    `${filesNewer} files of a newer version stay there`,
    `${filesDamaged} damaged files kept as .damaged, ${filesFailed} failures`,
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
    const reason = reasonOf(error);
    process.stderr.write(
      isSetup ? `${reason}\n` : `${reason}; rows that were not stored stay in the folder\n`,
    );
    process.exitCode = 1;
  }
}
