import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { asError, ConfigError, reasonOf } from '../../shared/errors.ts';
import { CERTIFICATE_POLL_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';

interface CertificateParts {
  /** STREAM_TLS_CERT and STREAM_TLS_KEY: paths of PEM files. */
  readonly cert: string;
  readonly key: string;
  readonly limiter: LogLimiter;
}

/**
 * The certificate of 9111 and 9113, read anew when its files change. Files that cannot serve, such as a certificate whose
 * key is still the old one, change nothing: the last good pair goes on.
 */
export class Certificate {
  readonly #parts: CertificateParts;
  readonly #followers: ((options: SecureContextOptions) => void)[] = [];
  #seen = '';
  #expiresMs = Number.NaN;
  #isBroken = false;
  #poll: NodeJS.Timeout | undefined;

  constructor(parts: CertificateParts) {
    this.#parts = parts;
  }

  /** When the one that is served ends, milliseconds since the epoch. */
  get expiresMs(): number {
    return this.#expiresMs;
  }

  /** The files as they are now cannot serve. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Calls back with what is to be served, from the start on. */
  follow(follower: (options: SecureContextOptions) => void): void {
    this.#followers.push(follower);
  }

  /** @throws ConfigError that says why the files cannot serve */
  async start(): Promise<void> {
    const { cert, key } = this.#parts;
    try {
      await this.#read();
    } catch (cause) {
      const reason = reasonOf(cause);
      throw new ConfigError(`STREAM_TLS_CERT=${cert} and STREAM_TLS_KEY=${key}: ${reason}`, {
        cause,
      });
    }
    this.#poll = setInterval(() => void this.#readAgain(), CERTIFICATE_POLL_MS);
  }

  stop(): void {
    clearInterval(this.#poll);
  }

  async #readAgain(): Promise<void> {
    const { cert, limiter } = this.#parts;
    try {
      const isNew = await this.#read();
      this.#isBroken = false;
      if (!isNew) return;
      const until = new Date(this.#expiresMs).toISOString();
      limiter.warn(`TLS: the certificate has changed; new connections get it, until ${until}`);
    } catch (thrown) {
      this.#isBroken = true;
      const message = 'TLS: the certificate cannot be read anew; the last good one is kept';
      limiter.error(message, { err: asError(thrown), file: cert });
    }
  }

  /** By their contents, since what renews files may keep any of their dates. @returns whether they serve from now on */
  async #read(): Promise<boolean> {
    const [cert, key] = await Promise.all([readFile(this.#parts.cert), readFile(this.#parts.key)]);
    const seen = `${cert.toString('latin1')}\0${key.toString('latin1')}`;
    if (seen === this.#seen) return false;
    const options: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2' };
    createSecureContext(options);
    const { validToDate } = new X509Certificate(cert);
    this.#seen = seen;
    this.#expiresMs = validToDate.getTime();
    for (const follower of this.#followers) follower(options);
    return true;
  }
}
