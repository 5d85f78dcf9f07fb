/** `npm run cli -- …`: a command line for those who run the service; docs/cli.md. */
import { CommanderError, InvalidArgumentError } from 'commander';
import { ConfigError } from '../../shared/errors.ts';
import { CliError, EXIT } from './cli-error.ts';
import { program } from './program.ts';
import { note } from './terminal/print.ts';

async function run(): Promise<number> {
  try {
    await program().parseAsync();
    return Number(process.exitCode ?? EXIT.ok);
  } catch (thrown) {
    const isUsage = thrown instanceof InvalidArgumentError || thrown instanceof ConfigError;
    // commander has said what is wrong, but for what a command itself threw.
    if (thrown instanceof CommanderError && !isUsage) {
      return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    if (!(isUsage || thrown instanceof CliError)) throw thrown;
    note(`error: ${thrown.message}`);
    return isUsage ? EXIT.usage : EXIT.problem;
  }
}

// Whoever reads standard output has had enough, as head has.
process.stdout.on('error', () => process.exit(EXIT.ok));
// Whatever a driver may have left open, those who wait for this command must not wait for that.
process.exit(await run());
