/** Why the demo cannot go on: one line for the person who runs it. */
export class DemoError extends Error {
  override readonly name = 'DemoError';

  /** @param logFile where more of it stands */
  constructor(message: string, logFile?: string) {
    super(logFile === undefined ? message : `${message}: see ${logFile}`);
  }
}
