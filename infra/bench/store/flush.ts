/**
 * A process that does nothing but save usage rows, one call after the other as the edge node's writer does, so that
 * its CPU is what saving costs. Prints a FlushFigure as JSON.
 *
 *     node infra/bench/store/flush.ts growing|ended <seconds>
 */

import { loadConfig } from '../../../shared/config.ts';
import { createLogger } from '../../../shared/logger.ts';
import { openStore } from '../../../shared/store/open-store.ts';
import { fullRow } from './rows.ts';

/** A trickle's worth: what a fiftieth of 50,000 watching users gives. */
const ROWS_PER_CALL = 1_000;
const CALLS_WARM = 5;

export interface FlushFigure {
  readonly name: string;
  readonly rowsPerSecond: number;
  /** CPU of the process that saves, user and system, for each row. */
  readonly cpuMicros: number;
}

const [name = 'growing', seconds = '5'] = process.argv.slice(2);
const config = loadConfig(process.env);
const store = await openStore(config, createLogger('error', 'bench'));

let call = 0;
let saved = 0;
/** Growing rows are the same ones with greater values, ended ones come once. */
async function save(): Promise<void> {
  call += 1;
  const rows = Array.from({ length: ROWS_PER_CALL }, (_, n) =>
    name === 'growing'
      ? {
          ...fullRow(`growing-${n}`, 0),
          deliveredMs: call * config.PACKET_DURATION_MS,
          final: false,
        }
      : fullRow(`ended-${call}-${n}`, 1),
  );
  const refused = await store.saveUsage(rows);
  saved += rows.length - refused.length;
}

while (call < CALLS_WARM) await save();
const savedBefore = saved;
const cpuBefore = process.cpuUsage();
const since = performance.now();
while (performance.now() - since < Number(seconds) * 1_000) await save();
const elapsed = (performance.now() - since) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
const rows = saved - savedBefore;

const figure: FlushFigure = {
  name,
  rowsPerSecond: rows / elapsed,
  cpuMicros: (user + system) / rows,
};
console.log(JSON.stringify(figure));
await store.close();
