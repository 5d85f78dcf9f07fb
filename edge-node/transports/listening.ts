import type { AddressInfo } from 'node:net';
import type { Config } from '../../shared/config.ts';

/** Where a node listens for users, by each of its ways. */
export interface Listening {
  readonly users: AddressInfo;
  readonly watch: AddressInfo;
}

export function isFreeToChoose({ STREAM_PORT, WATCH_PORT }: Config): boolean {
  return STREAM_PORT === 0 || WATCH_PORT === 0;
}

/** The settings of its ports: of one that is free to choose, what was chosen. */
export function portSettings({ users, watch }: Listening) {
  return { STREAM_PORT: String(users.port), WATCH_PORT: String(watch.port) };
}

/** What the log says once a node takes users: its fields, and its text. */
export function readyLine(
  { users, watch, admin }: Listening & { readonly admin: AddressInfo },
  { STREAM_TLS_CERT }: Pick<Config, 'STREAM_TLS_CERT'>,
) {
  const players = `http${STREAM_TLS_CERT && 's'}://${watch.address}:${watch.port}`;
  return [
    { users: users.port, watch: watch.port, admin: admin.port },
    `ready to handle users at ${users.address}:${users.port}, players at ${players}, admin at ${admin.address}:${admin.port}`,
  ] as const;
}
