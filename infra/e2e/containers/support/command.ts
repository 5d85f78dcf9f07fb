import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const OUTPUT_MAX_BYTES = 64 * 1024 ** 2;
const ERROR_LINES = 15;

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command to its end.
 * @returns its standard output, trimmed
 * @throws Error that ends with the last lines of what it printed
 */
export async function command(
  name: string,
  args: readonly string[],
  { cwd, env = {} }: CommandOptions = {},
): Promise<string> {
  try {
    const { stdout } = await execute(name, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      maxBuffer: OUTPUT_MAX_BYTES,
    });
    return stdout.trim();
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Record<string, string>;
    const output = `${stdout}\n${stderr}`.trim() || message;
    const last = output.split('\n').slice(-ERROR_LINES).join('\n');
    throw new Error(`${name} ${args.join(' ')}: failed\n${last}`, { cause: error });
  }
}

export function docker(...args: readonly string[]): Promise<string> {
  return command('docker', args);
}

/** Whether a command can be run at all and ends well. */
export async function works(name: string, ...args: readonly string[]): Promise<boolean> {
  return command(name, args).then(
    () => true,
    () => false,
  );
}

/** What a section says where its tool is not here, or nothing where it is. */
export async function lacksTool(
  name: string,
  ...args: readonly string[]
): Promise<string | undefined> {
  return (await works(name, ...args)) ? undefined : `${name} does not run`;
}

/** What every section about containers needs, or nothing where it is here. */
export async function lacksDocker(): Promise<string | undefined> {
  if (!(await works('docker', 'version'))) return 'no Docker engine answers `docker version`';
  return undefined;
}
