import { SETTINGS, type SettingName } from '../../../shared/config.ts';
import { freePorts, isFree } from '../../local/free-ports.ts';
import { DemoError } from '../demo-error.ts';

export const HOST = '127.0.0.1';

/** What the demo listens on, by the setting that gives the usual port. */
const NAMES = {
  source: 'CHANNEL_SOURCE_PORT',
  functions: 'SERVER_PORT',
  users: 'STREAM_PORT',
  watch: 'WATCH_PORT',
  admin: 'ADMIN_PORT',
} as const satisfies Record<string, SettingName>;
type PortName = keyof typeof NAMES;

/** The demo's five ports on loopback: the usual ones, or free ones in place of those that others have. */
export class Ports {
  readonly #usual = new Map<PortName, number>();
  readonly #taken = new Map<PortName, number>();

  /** @throws DemoError where the environment sets what is no port */
  static async choose(): Promise<Ports> {
    const ports = new Ports();
    for (const name of Object.keys(NAMES) as PortName[]) {
      const usual = usualPort(NAMES[name]);
      ports.#usual.set(name, usual);
      ports.#taken.set(name, await freePort(usual));
    }
    return ports;
  }

  address(name: PortName): string {
    return `${HOST}:${this.port(name)}`;
  }

  port(name: PortName): number {
    return this.#taken.get(name) ?? 0;
  }

  /** As the services are set. */
  get env(): NodeJS.ProcessEnv {
    return Object.fromEntries(
      [...this.#taken].map(([name, port]) => [NAMES[name], String(port)] as const),
    );
  }

  /** The address, and why it is not the usual one. */
  describe(name: PortName): string {
    const usual = this.#usual.get(name);
    const isUsual = usual === 0 || usual === this.port(name);
    return `${this.address(name)}${isUsual ? '' : ` (${usual} is taken)`}`;
  }
}

/** The port that this shell sets, else the default one. */
function usualPort(name: SettingName): number {
  const text = process.env[name] || SETTINGS[name].default;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new DemoError(`${name} must be a port, not "${text}"`);
}

/** The preferred port if nobody has it, else any free one. */
async function freePort(preferred: number): Promise<number> {
  if (preferred !== 0 && (await isFree(preferred))) return preferred;
  const [port = 0] = await freePorts(1);
  return port;
}
