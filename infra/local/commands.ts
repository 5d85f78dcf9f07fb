import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** A JVM that tells its version takes seconds on a busy machine. */
const PROBE_TIMEOUT_MS = 20_000;
/** A download that stalls would else be waited for without end. */
const COMMAND_TIMEOUT_MS = 15 * 60_000;

/** What a command says, stdout and stderr together; undefined when it is not there, fails or takes over 20 s. */
export async function probe(command: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(command, args, {
      timeout: PROBE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    return stdout + stderr;
  } catch {
    return undefined;
  }
}

/** Runs a command to its end. @throws Error with what it said when it fails */
export async function execute(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(command, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** Runs a command and hands on each line as it comes. @throws Error with the last lines when it fails */
export function executeByLine(
  command: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_TIMEOUT_MS,
    });
    const tail: string[] = [];
    let rest = '';
    const take = (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
      tail.push(...lines);
      tail.splice(0, tail.length - 20);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code}: ${[...tail, rest].join('\n')}`));
    });
  });
}
