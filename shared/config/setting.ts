import { BlockList, isIP, isIPv6 } from 'node:net';

/** Reads a setting's text, or throws a RangeError that says what it should have been. */
export type Parse<T> = (text: string) => T;

export interface Setting<T> {
  readonly default: string;
  readonly parse: Parse<T>;
  readonly about: string;
  /** A value that is shown to nobody, not even where it is wrong. */
  readonly isSecret?: boolean;
}

/** What a group of settings says, by their names. */
export type Values<Group> = {
  readonly [N in keyof Group]: Group[N] extends Setting<infer T> ? T : never;
};

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

export function integer(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new RangeError(`a whole number from ${min} to ${max}`);
    return value;
  };
}

export function bytes(min: number, max: number): Parse<number> {
  return (text) => {
    const [, digits, unit = ''] = /^(\d{1,15}) ?(KiB|MiB|GiB)?$/.exec(text) ?? [];
    const value = digits === undefined ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN);
    if (!(value >= min && value <= max)) {
      throw new RangeError(`bytes from ${min} to ${max} (KiB, MiB and GiB may follow the number)`);
    }
    return value;
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): Parse<T> {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new RangeError(`one of ${values.join(', ')}`);
    return found;
  };
}

export function matching(pattern: RegExp, what: string): Parse<string> {
  return (text) => {
    if (!pattern.test(text)) throw new RangeError(what);
    return text;
  };
}

export function setting<T>(parse: Parse<T>, fallback: string, about: string): Setting<T> {
  return { default: fallback, parse, about };
}

/** Names with commas between them, in lower case; none is fine. */
export const hostNames: Parse<readonly string[]> = (given) => {
  const names = given
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  if (!names.every((name) => /^[a-z0-9_.-]+$/.test(name))) {
    throw new RangeError('host names with commas between them, without ports');
  }
  return names;
};

/** Networks in CIDR notation with commas between them; an address stands for itself alone. */
export const networks: Parse<BlockList> = (given) => {
  const list = new BlockList();
  for (const network of given.split(',').map((each) => each.trim())) {
    if (network === '') continue;
    const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
    const [family, most] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
    const prefix = Number(bits ?? most);
    if (isIP(address) === 0 || prefix > most) {
      throw new RangeError('networks such as 10.0.0.0/16 or 2001:db8::/32, with commas between');
    }
    list.addSubnet(address, prefix, family);
  }
  return list;
};

/** A host name or an IP address; IPv6 with brackets or without. */
export const host: Parse<string> = (given) => {
  const bare = /^\[(.*)\]$/.exec(given)?.[1] ?? given;
  const isAddress = isIPv6(bare) || (bare === given && /^[\w.-]+$/.test(given));
  if (!isAddress) throw new RangeError('a host name or an IP address, without a port');
  return bare;
};

/** Addresses of NATS servers with commas between them, as `nats://host:port` or `tls://host:port`. */
export const natsUrls: Parse<readonly string[]> = (given) => {
  const urls = given.split(',').map((url) => url.trim());
  if (!urls.every((url) => /^((nats|tls):\/\/)?([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i.test(url))) {
    throw new RangeError(
      'nats://host:port or tls://host:port, with commas between several, without credentials',
    );
  }
  return urls;
};

export const text: Parse<string> = (value) => value;
export const port = integer(0, 65_535);
/** A port, or none. */
export const optionalPort: Parse<number | undefined> = (given) =>
  given === '' ? undefined : port(given);
export const MIB = 1024 ** 2;

/** Secrets with commas between them, each long enough that nobody guesses it. */
export const secrets: Parse<readonly string[]> = (text) => {
  if (text === '') return [];
  const values = text.split(',').map((value) => value.trim());
  if (!values.every((value) => Buffer.byteLength(value) >= SECRET_MIN_BYTES)) {
    throw new RangeError(`secrets of ${SECRET_MIN_BYTES} bytes or more, with commas between them`);
  }
  return values;
};
const SECRET_MIN_BYTES = 32;

/** Secrets that are sent in `Authorization: Bearer`, and so of the characters that this can carry (RFC 6750). */
export const bearerSecrets: Parse<readonly string[]> = (given) => {
  const values = secrets(given);
  if (!values.every((value) => /^[\w.~+/-]+=*$/.test(value))) {
    throw new RangeError('secrets of letters, digits and - . _ ~ + / alone, with = at the end');
  }
  return values;
};

export function secretSetting<T>(parse: Parse<T>, about: string): Setting<T> {
  return { default: '', parse, about, isSecret: true };
}
