import { readFileSync } from 'node:fs';
import type { Authenticator, ConnectionOptions } from '@nats-io/transport-node';
import { ConfigError, reasonOf } from '../../shared/errors.ts';
import { NATS_CONNECT_TIMEOUT_MS } from '../../shared/limits.ts';

/** Where the servers are, and how one is let in. */
export interface NatsAccess {
  /** What the servers see as this client's name. */
  readonly name: string;
  readonly urls: readonly string[];
  /** Empty: none. */
  readonly credsFile: string;
  readonly tlsCa: string;
}

/**
 * Of one connection: another is never made behind our back. Files are read anew each time, since credentials change.
 * @throws ConfigError that names the setting of a file that cannot be read
 */
export function natsOptions(
  { name, urls, credsFile, tlsCa }: NatsAccess,
  authenticatorOf: (creds: Uint8Array) => Authenticator,
): ConnectionOptions {
  const isTls = tlsCa !== '' || urls.some((url) => url.startsWith('tls://'));
  return {
    name,
    servers: [...urls],
    timeout: NATS_CONNECT_TIMEOUT_MS,
    reconnect: false,
    noAsyncTraces: true,
    ...(isTls && { tls: tlsCa === '' ? {} : { ca: fileText('NATS_TLS_CA', tlsCa) } }),
    ...(credsFile !== '' && {
      authenticator: authenticatorOf(Buffer.from(fileText('NATS_CREDS_FILE', credsFile))),
    }),
  };
}

function fileText(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${setting}: ${reasonOf(cause)}`, { cause });
  }
}
