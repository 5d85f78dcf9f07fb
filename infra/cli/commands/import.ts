import { loadConfig } from '../../../shared/config.ts';
import { reasonOf } from '../../../shared/errors.ts';
import { loadEngine } from '../../../shared/store/engines.ts';
import { CliError, EXIT } from '../cli-error.ts';
import { readList } from '../registrations/list-file.ts';
import { Registrar } from '../registrations/registrar.ts';
import { note } from '../terminal/print.ts';

/** Lines that are told one by one; of the rest only how many. */
const TOLD_LINES = 5;

/** `import [FILE]`: registers whoever stands in a list, in the store of the settings. */
export async function importRegistrations(path: string): Promise<void> {
  const config = loadConfig(process.env);
  const engine = await loadEngine(config.STORE);
  const name = `STORE=${config.STORE} ${engine.describe(config)}`;
  let wrong = 0;
  const registrar = await engine.open(config).then(
    (store) => new Registrar(store),
    (thrown) => {
      throw new CliError(`${name}: ${reasonOf(thrown)}`);
    },
  );
  try {
    for await (const line of readList(path)) {
      if ('userId' in line) await registrar.add(line.userId);
      else if (++wrong <= TOLD_LINES) note(`line ${line.number} is no user id: left out`);
    }
    await registrar.done();
  } catch (thrown) {
    const how = 'import it again, which harms nobody';
    throw new CliError(`${name}: ${reasonOf(thrown)}; ${registrar.count} are registered, ${how}`);
  } finally {
    await registrar.close();
  }
  note(`${registrar.count} registered`);
  if (wrong === 0) return;
  note(`${wrong} lines were left out`);
  process.exitCode = EXIT.problem;
}
