import { BackgroundOutput } from './background-output.ts';
import { ConfigError, StoreSetupError } from './errors.ts';
import { LOG_DRAIN_MS } from './limits.ts';
import { withTimeout } from './with-timeout.ts';

const STDOUT = 1;
/** All that asks a process to end: left alone, the last three would end it without a word, and lose what it counted. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

/** What a service is given by the process that it runs in. */
export interface ServiceProcess {
  /** Where its log goes: it never waits for whoever reads it. */
  readonly output: BackgroundOutput;
  /** Resolves with the first signal to stop, which counts while the service starts, too. */
  readonly stopped: Promise<NodeJS.Signals>;
  /** Calls back at each further signal to stop. */
  readonly onImpatience: (hurry: () => void) => void;
  /** Tells of file operations that may hang: process.exit() waits for their threads, for ever. */
  readonly mayHang: (files: Promise<void>) => void;
}

/**
 * Signals as a service takes them, from the first moment on. SIGUSR1 does nothing, where Node would let anybody on this
 * machine run code in the process; `--disable-sigusr1` says so even before this code runs.
 */
function takeSignals(): Pick<ServiceProcess, 'stopped' | 'onImpatience'> {
  const first = Promise.withResolvers<NodeJS.Signals>();
  let isStopping = false;
  let hurry = () => {};
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (isStopping) hurry();
      isStopping = true;
      first.resolve(signal);
    });
  }
  process.on('SIGUSR1', () => {});
  return {
    stopped: first.promise,
    onImpatience: (callback) => {
      hurry = callback;
    },
  };
}

/**
 * Runs a service in this process and ends it: with 0 once the service has stopped; with 1 and one line on stderr where
 * it cannot start as it is set. What the log's reader has not taken is waited for, but not for long.
 */
export async function runService(main: (process: ServiceProcess) => Promise<void>): Promise<never> {
  const output = new BackgroundOutput(STDOUT);
  let files = Promise.resolve();
  const mayHang = (work: Promise<void>) => {
    files = work;
  };
  const exitCode = await main({ output, ...takeSignals(), mayHang }).then(
    () => 0,
    (error: unknown) => {
      if (!(error instanceof ConfigError || error instanceof StoreSetupError)) throw error;
      process.stderr.write(`${error.message}\n`);
      return 1;
    },
  );
  await withTimeout(output.drained(), LOG_DRAIN_MS).catch(() => {});
  // All is done by now: a disk that hangs is no reason to stay.
  await withTimeout(files, LOG_DRAIN_MS).catch(() => process.kill(process.pid, 'SIGKILL'));
  process.exit(exitCode);
}
