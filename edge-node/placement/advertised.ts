import { nameOf } from '../../shared/config/addresses.ts';
import type { Config } from '../../shared/config.ts';
import type { Announcement } from '../../shared/edges/announcement.ts';
import type { ChannelId, EdgeAddress } from '../../shared/ids.ts';
import { ANNOUNCED_CHANNELS_MAX } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { Store } from '../../shared/store/store.ts';
import { Announcer } from './announcer.ts';

type Settings = Pick<Config, 'ADVERTISE_ADDRESS' | 'WATCH_PUBLIC_URL'>;

/** The ports that a node listens on. */
interface Ports {
  readonly users: { readonly port: number };
  readonly watch: { readonly port: number };
}

/** What a node tells of itself. */
interface Node {
  readonly store: Store;
  readonly nodeLoad: () => number;
  readonly admission: { readonly users: number };
  readonly channels: { readonly ids: Iterable<ChannelId> };
}

/** Where users reach a node; undefined where it is not to be listed. */
function advertised(
  { ADVERTISE_ADDRESS, WATCH_PUBLIC_URL }: Settings,
  { users, watch }: Ports,
): Pick<Announcement, 'address' | 'watchUrl'> | undefined {
  if (ADVERTISE_ADDRESS === undefined) return undefined;
  const { host, port = users.port } = ADVERTISE_ADDRESS;
  return {
    address: nameOf({ host, port }) as EdgeAddress,
    watchUrl: WATCH_PUBLIC_URL || `http://${nameOf({ host, port: watch.port })}`,
  };
}

/** Of a node that listens; undefined where it is not to be listed. */
export function announcerOf(
  node: Node,
  config: Settings,
  ports: Ports,
  limiter: LogLimiter,
): Announcer | undefined {
  const here = advertised(config, ports);
  if (here === undefined) return undefined;
  const describe = () => ({
    ...here,
    load: node.nodeLoad(),
    users: node.admission.users,
    channels: Iterator.from(node.channels.ids).take(ANNOUNCED_CHANNELS_MAX).toArray(),
  });
  return new Announcer({ store: node.store, limiter, describe });
}
