import { type Logger, pino } from 'pino';
import type { BackgroundOutput } from './background-output.ts';
import { LOG_KINDS_MAX } from './limits.ts';

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
  output?.onFlow((lines) =>
    logger.warn(
      { lines },
      `${lines} log lines dropped: the log was read too slowly, or not at all`,
    ),
  );
  return logger;
}

type Fields = Readonly<Record<string, unknown>>;
type Level = 'warn' | 'error';

interface Kind {
  readonly message: string;
  timer: NodeJS.Timeout;
  level: Level;
  suppressed: number;
  fields: Fields;
}

/**
 * Warnings and errors that may come in floods: at most one line per kind and interval, none uncounted. The first of
 * a kind is logged at once; what follows within the interval is one line at its end, with `count` and the newest
 * fields. A kind is a message, and what it is of where a caller says so: a channel, a file, a port. Past LOG_KINDS_MAX
 * at once, all further things that a message is of are one kind.
 */
export class LogLimiter {
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: Logger, intervalMs = 1000) {
    this.#logger = logger;
    this.#intervalMs = intervalMs;
  }

  /** @param of what tells this line apart from others with the same message */
  warn(message: string, fields: Fields = {}, of = ''): void {
    this.#log('warn', message, fields, of);
  }

  /** @param of what tells this line apart from others with the same message */
  error(message: string, fields: Fields = {}, of = ''): void {
    this.#log('error', message, fields, of);
  }

  /** Writes what is still counted; call it before the process ends. */
  flush(): void {
    for (const kind of this.#kinds.values()) {
      clearInterval(kind.timer);
      this.#report(kind);
    }
    this.#kinds.clear();
  }

  #log(level: Level, message: string, fields: Fields, of: string): void {
    const apart = `${message}\0${of}`;
    const key = this.#kinds.has(apart) || this.#kinds.size < LOG_KINDS_MAX ? apart : message;
    const known = this.#kinds.get(key);
    if (known) {
      known.suppressed += 1;
      known.fields = fields;
      known.level = level;
      return;
    }
    this.#logger[level](fields, message);
    const timer = setInterval(() => this.#tick(key), this.#intervalMs).unref();
    this.#kinds.set(key, { message, timer, level, suppressed: 0, fields });
  }

  #tick(key: string): void {
    const kind = this.#kinds.get(key);
    if (kind === undefined) return;
    if (kind.suppressed > 0) {
      this.#report(kind);
    } else {
      clearInterval(kind.timer);
      this.#kinds.delete(key);
    }
  }

  #report(kind: Kind): void {
    if (kind.suppressed === 0) return;
    this.#logger[kind.level]({ ...kind.fields, count: kind.suppressed }, kind.message);
    kind.suppressed = 0;
  }
}
