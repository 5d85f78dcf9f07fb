import { lookup } from 'node:dns/promises';
import type { AddressInfo } from 'node:net';
import { asError, ConfigError, reasonOf } from './errors.ts';

/** The name `localhost` may have an IPv6 address where the machine has none. */
const ABSENT = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/**
 * Listens at a host; at `localhost` at each address that the name has and this machine too, on one port.
 * @throws the listener's error, such as EADDRINUSE
 */
export async function bindEach(
  host: string,
  port: number,
  bind: (address: string, port: number) => Promise<AddressInfo>,
): Promise<AddressInfo> {
  const names = host === 'localhost' ? await lookup(host, { all: true }) : [{ address: host }];
  let first: AddressInfo | undefined;
  let absent: unknown;
  for (const { address } of names) {
    try {
      const bound = await bind(address, first?.port ?? port);
      first ??= bound;
    } catch (error) {
      if (!ABSENT.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      absent = error;
    }
  }
  if (first === undefined) throw absent;
  return first;
}

/** For the rejection of a `listen`: throws what names the settings that the address came from. */
export function blaming(settings: string): (cause: unknown) => never {
  return (cause) => {
    const error = asError(cause);
    // Nothing else of listening is asked of a system that it may not have.
    const isPortNotShared = (error as NodeJS.ErrnoException).code === 'ENOTSUP';
    const blamed = isPortNotShared
      ? 'EDGE_WORKERS: this system cannot share a port among processes (SO_REUSEPORT); it must be 1 here'
      : `${settings}: ${reasonOf(error)}`;
    throw new ConfigError(blamed, { cause });
  };
}
