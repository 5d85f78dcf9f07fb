import { wallClockMs } from '../../../shared/clock.ts';
import type { Config } from '../../../shared/config.ts';
import { reasonOf, StoreSetupError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { loadEngine } from '../../../shared/store/engines.ts';
import type { Store } from '../../../shared/store/store.ts';
import { firstMinuteOf } from '../../../shared/usage-window.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';
import { type Finding, ok, problem } from './finding.ts';

/** An attempt to open an engine takes 15 s at the most. */
const OPEN_WITHIN_MS = 20_000;
const READ_WITHIN_MS = 5_000;
/** Nobody needs to have this id: it is only looked up. */
const PROBE = 'doctor' as UserId;

/** Whether the store can be reached and has all its tables: both are read, and nothing is written. */
export async function lookAtStore(config: Config): Promise<Finding> {
  const engine = await loadEngine(config.STORE);
  const name = `STORE=${config.STORE} ${engine.describe(config)}`;
  if (!(await engine.isMade(config))) return ok(`${name}: not there yet, the first start makes it`);
  try {
    const store = await withTimeout(engine.open(config), OPEN_WITHIN_MS);
    await withTimeout(readTables(store), READ_WITHIN_MS);
    await withTimeout(store.close(), READ_WITHIN_MS);
    return ok(`${name}: answers, its schema is there`);
  } catch (thrown) {
    if (thrown instanceof StoreSetupError)
      return problem(reasonOf(thrown), 'mend the setting; make tables by: npm run schema');
    return problem(
      `${name}: ${reasonOf(thrown)}`,
      'start it, or look at the way there; viewers who are known go on meanwhile',
    );
  }
}

async function readTables(store: Store): Promise<void> {
  await store.isRegistered(PROBE);
  await store.readUsage(PROBE, firstMinuteOf(wallClockMs()));
}
