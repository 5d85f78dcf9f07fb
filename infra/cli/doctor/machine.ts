import { randomUUID } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileShares, filesFor } from '../../../edge-node/transports/open-files.ts';
import { SpoolFolder } from '../../../edge-node/usage/spool/spool-folder.ts';
import { monotonicMs, wallClockMs } from '../../../shared/clock.ts';
import type { Config } from '../../../shared/config.ts';
import { reasonOf } from '../../../shared/errors.ts';
import { openFilesLimit } from '../../../shared/open-files.ts';
import { countText } from '../terminal/figures.ts';
import { type Finding, ok, problem } from './finding.ts';

const CLOCK_SPAN_MS = 1_000;
/** NTP slews by 0.5 ms a second; a clock that is further off was set, or belongs to a machine that stood still. */
const CLOCK_TOLERANCE_MS = 50;

/** Whether dates go on as time does: usage is dated by this clock. */
export async function lookAtClock(): Promise<Finding> {
  const [wall, monotonic] = [wallClockMs(), monotonicMs()];
  await sleep(CLOCK_SPAN_MS);
  const aheadMs = wallClockMs() - wall - (monotonicMs() - monotonic);
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS) return ok('the date goes on as time does');
  return problem(
    `the date moved by ${Math.round(aheadMs)} ms within ${CLOCK_SPAN_MS / 1000} s`,
    'something sets the clock: let NTP alone do it (chronyc tracking, timedatectl)',
  );
}

/** Whether this shell's limit, which services started from it inherit, has room for MAX_USERS. */
export async function lookAtOpenFiles({ MAX_USERS }: Config): Promise<Finding> {
  const limit = openFilesLimit();
  const needed = filesFor(MAX_USERS);
  if (limit >= needed) return ok(`${countText(limit)} here, for MAX_USERS ${countText(MAX_USERS)}`);
  return problem(
    `${countText(limit)} here: ${countText(fileShares(MAX_USERS, limit).users)} users at once, and not ${countText(MAX_USERS)}`,
    `ulimit -Hn ${needed} (LimitNOFILE= with systemd), or a lower MAX_USERS`,
  );
}

/** Whether rows of usage could be kept while the store is away, told by writing there; a folder is not made. */
export async function lookAtSpool({ USAGE_SPOOL_DIR }: Config): Promise<Finding> {
  const path = resolve(USAGE_SPOOL_DIR);
  const advice = 'give the user of the edge node the folder, and the disk room (USAGE_SPOOL_DIR)';
  try {
    if (await exists(path)) {
      await new SpoolFolder(path).probe(`doctor-${randomUUID()}`);
      return ok(`${USAGE_SPOOL_DIR} can be written`);
    }
    await access(await nearest(path), constants.W_OK | constants.X_OK);
    return ok(`${USAGE_SPOOL_DIR}: not there yet, the first start makes it`);
  } catch (thrown) {
    return problem(`${USAGE_SPOOL_DIR} cannot be written: ${reasonOf(thrown)}`, advice);
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}

/** The folder that is there already, in which the others would be made. */
async function nearest(path: string): Promise<string> {
  const parent = dirname(path);
  return parent === path || (await exists(parent)) ? parent : nearest(parent);
}
