import { isIPv6 } from 'node:net';
import { host, type Parse, port, setting } from './setting.ts';

/** A host, and a port where one is given. */
export interface AdvertisedAddress {
  readonly host: string;
  readonly port: number | undefined;
}

/** host, host:port, or [IPv6]:port; nothing is none. */
const optionalAddress: Parse<AdvertisedAddress | undefined> = (given) => {
  if (given === '') return undefined;
  const [, named = given, digits] = isIPv6(given) ? [] : (/^(.*?)(?::(\d+))?$/.exec(given) ?? []);
  try {
    return { host: host(named), port: digits === undefined ? undefined : port(digits) };
  } catch {
    throw new RangeError('a host name or an IP address, and a port behind a colon if need be');
  }
};

/** By what clients and balancers choose among edge nodes. */
export const PLACEMENT_SETTINGS = {
  Placement: {
    ADVERTISE_ADDRESS: setting(
      optionalAddress,
      '',
      'By which users reach this edge node alone: a host, and a port where it is not `STREAM_PORT`. Set, the node shows itself in the store every 10 s, and `GET /edges` of functions lists it with `WATCH_PUBLIC_URL`, or else with this host and `WATCH_PORT`. Empty: it is not listed.',
    ),
  },
} as const;
