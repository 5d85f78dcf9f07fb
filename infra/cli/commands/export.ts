import { loadConfig } from '../../../shared/config.ts';
import { reasonOf } from '../../../shared/errors.ts';
import { loadEngine } from '../../../shared/store/engines.ts';
import { CliError } from '../cli-error.ts';
import { ListFile, STDIO } from '../registrations/list-file.ts';
import { note } from '../terminal/print.ts';

/** `export [FILE]`: everybody who is registered in the store of the settings, an id a line. */
export async function exportRegistrations(path: string): Promise<void> {
  const config = loadConfig(process.env);
  const engine = await loadEngine(config.STORE);
  const name = `STORE=${config.STORE} ${engine.describe(config)}`;
  if (!(await engine.isMade(config))) throw new CliError(`${name}: there is nothing to export`);
  const file = await ListFile.create(path);
  let count = 0;
  try {
    for await (const ids of engine.registrations(config)) {
      await file.write(ids);
      count += ids.length;
    }
    await file.keep();
  } catch (thrown) {
    await file.discard();
    throw new CliError(`nothing was exported, ${name}: ${reasonOf(thrown)}`);
  }
  note(`${count} registrations${path === STDIO ? '' : ` in ${path}`}`);
}
