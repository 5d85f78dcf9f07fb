import { freePorts } from '../../../local/free-ports.ts';
import { command, docker, lacksDocker, works } from '../support/command.ts';
import { inspect, isConfined } from '../support/container.ts';

const PROJECT = 'streaming-service-test';

export async function lacksCompose(): Promise<string | undefined> {
  if (!(await works('docker', 'compose', 'version'))) return '`docker compose` does not run';
  return lacksDocker();
}

/** A run of the compose file under a name and ports of its own. */
export class Stack {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly usersPort: number;
  readonly playersPort: number;
  readonly adminPort: number;
  /** Of the profile `fleet`: the balancer's. */
  readonly fleetUsersPort: number;
  readonly fleetPlayersPort: number;

  private constructor(folder: string, ports: readonly number[]) {
    const [functions = 0, users = 0, players = 0, admin = 0, fleet = 0, fleetPlayers = 0] = ports;
    this.#folder = folder;
    this.origin = `http://127.0.0.1:${functions}`;
    this.usersPort = users;
    this.playersPort = players;
    this.adminPort = admin;
    this.fleetUsersPort = fleet;
    this.fleetPlayersPort = fleetPlayers;
    this.#env = {
      COMPOSE_PROJECT_NAME: PROJECT,
      FUNCTIONS_PORT: String(functions),
      STREAM_PORT: String(users),
      WATCH_PORT: String(players),
      ADMIN_PORT: String(admin),
      FLEET_STREAM_PORT: String(fleet),
      FLEET_WATCH_PORT: String(fleetPlayers),
    };
  }

  static async in(folder: string): Promise<Stack> {
    return new Stack(folder, await freePorts(6));
  }

  compose(...args: readonly string[]): Promise<string> {
    return command('docker', ['compose', ...args], { cwd: this.#folder, env: this.#env });
  }

  /** The containers of a service, whose ids the engine takes. */
  async containers(service: string): Promise<string[]> {
    return (await this.compose('ps', '--quiet', service)).split('\n').filter(Boolean);
  }

  async confined(service: string): Promise<string> {
    const id = await this.compose('ps', '--quiet', service);
    if ((await inspect(id, '{{.HostConfig.ReadonlyRootfs}}')) !== 'true') throw new Error(service);
    const said = await isConfined(id);
    if (service !== 'edge-node') return `${service}: ${said}`;
    const wmem = await docker('exec', id, 'cat', '/proc/sys/net/ipv4/tcp_wmem');
    return `${service}: ${said}, tcp_wmem ${wmem.replaceAll('\t', ' ')}`;
  }

  async down(): Promise<void> {
    await this.compose('--profile', '*', 'down', '--volumes', '--remove-orphans');
  }

  async leftNothing(): Promise<string> {
    const mine = ['--quiet', '--filter', `label=com.docker.compose.project=${PROJECT}`];
    const left = [
      await docker('container', 'ls', '--all', ...mine),
      await docker('volume', 'ls', ...mine),
      await docker('network', 'ls', ...mine),
    ].join('');
    if (left !== '') throw new Error(`left over: ${left}`);
    return 'no container, volume or network is left';
  }
}
