import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on stdout. Synchronous: the last line before an exit is never lost. */
export function createLogger(level: string, service: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
