import { type Address, nameOf } from '../../shared/config/addresses.ts';
import { type Config, loadConfig } from '../../shared/config.ts';

/** Where the parts of the service answer, as the settings of this machine say. */
export interface Places {
  readonly functions: string;
  readonly users: Address;
  readonly players: string;
  readonly admin: string;
  /** Whether users and players come by TLS. */
  readonly isSecure: boolean;
}

/** What listens on every address of a machine is reached here by its own. */
const REACHED_BY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

export function reachable(host: string): string {
  return REACHED_BY[host] ?? host;
}

export function originAt(host: string, port: number): string {
  return `http://${nameOf({ host: reachable(host), port })}`;
}

export function placesIn(config: Config): Places {
  return {
    functions: originAt(config.SERVER_HOST, config.SERVER_PORT),
    users: { host: reachable(config.STREAM_HOST), port: config.STREAM_PORT },
    players: originAt(config.WATCH_HOST, config.WATCH_PORT),
    admin: originAt(config.ADMIN_HOST, config.ADMIN_PORT),
    isSecure: config.STREAM_TLS_CERT !== '',
  };
}

/** @throws ConfigError where a setting of the environment is wrong */
export function places(): Places {
  return placesIn(loadConfig(process.env));
}
