/** Why a command cannot do what it was asked for: the one line to print. It ends the program with PROBLEM. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** How the program ends; docs/cli.md tells them. */
export const EXIT = { ok: 0, problem: 1, usage: 2 } as const;
