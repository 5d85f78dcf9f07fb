import { type Logger, pino } from 'pino';
import type { BackgroundOutput } from './background-output.ts';

export type { Logger };

/**
 * JSON lines, to `output` in the background, else to stdout, each before the call returns: a Lambda may be frozen right
 * after its answer.
 */
export function createLogger(level: string, service: string, output?: BackgroundOutput): Logger {
  const logger = pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output ?? pino.destination({ fd: 1, sync: true }),
  );
  output?.onFlow((lines) => logger.warn({ lines }, 'log lines were dropped: nobody read the log'));
  return logger;
}

type Fields = Readonly<Record<string, unknown>>;
type Level = 'warn' | 'error';

interface Kind {
  timer: NodeJS.Timeout;
  level: Level;
  suppressed: number;
  fields: Fields;
}

/**
 * Warnings and errors that may come in floods: at most one line per kind and interval, none uncounted. The first of
 * a kind is logged at once; what follows within the interval is one line at its end, with `count` and the newest
 * fields.
 */
export class LogLimiter {
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: Logger, intervalMs = 1000) {
    this.#logger = logger;
    this.#intervalMs = intervalMs;
  }

  warn(message: string, fields: Fields = {}): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields: Fields = {}): void {
    this.#log('error', message, fields);
  }

  /** Writes what is still counted; call it before the process ends. */
  flush(): void {
    for (const [message, kind] of this.#kinds) {
      clearTimeout(kind.timer);
      this.#report(message, kind);
    }
    this.#kinds.clear();
  }

  #log(level: Level, message: string, fields: Fields): void {
    const known = this.#kinds.get(message);
    if (known) {
      known.suppressed += 1;
      known.fields = fields;
      known.level = level;
      return;
    }
    this.#logger[level](fields, message);
    const timer = setInterval(() => this.#tick(message), this.#intervalMs).unref();
    this.#kinds.set(message, { timer, level, suppressed: 0, fields });
  }

  #tick(message: string): void {
    const kind = this.#kinds.get(message);
    if (kind === undefined) return;
    if (kind.suppressed > 0) {
      this.#report(message, kind);
    } else {
      clearInterval(kind.timer);
      this.#kinds.delete(message);
    }
  }

  #report(message: string, kind: Kind): void {
    if (kind.suppressed === 0) return;
    this.#logger[kind.level]({ ...kind.fields, count: kind.suppressed }, message);
    kind.suppressed = 0;
  }
}
