import { BackgroundOutput } from './background-output.ts';
import { ConfigError, StoreSetupError } from './errors.ts';
import { LOG_DRAIN_MS } from './limits.ts';
import { withTimeout } from './with-timeout.ts';

const STDOUT = 1;

/** What a service is given by the process that it runs in. */
export interface ServiceProcess {
  /** Where its log goes: it never waits for whoever reads it. */
  readonly output: BackgroundOutput;
  /** Resolves with the first signal to stop, which counts while the service starts, too. */
  readonly stopped: Promise<NodeJS.Signals>;
}

/**
 * Runs a service in this process and ends it: with 0 once the service has stopped; with 1 and one line on stderr where
 * it cannot start as it is set. What the log's reader has not taken is waited for, but not for long.
 */
export async function runService(main: (process: ServiceProcess) => Promise<void>): Promise<never> {
  const output = new BackgroundOutput(STDOUT);
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const exitCode = await main({ output, stopped }).then(
    () => 0,
    (error: unknown) => {
      if (!(error instanceof ConfigError || error instanceof StoreSetupError)) throw error;
      process.stderr.write(`${error.message}\n`);
      return 1;
    },
  );
  await withTimeout(output.drained(), LOG_DRAIN_MS).catch(() => {});
  process.exit(exitCode);
}
