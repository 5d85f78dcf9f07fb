import type { Config } from '../../../shared/config.ts';
import type { LocalEngine } from './local-engine.ts';
import type { EngineSource } from './runtime.ts';

type Env = Readonly<Record<string, string>>;

export interface EngineOptions {
  /** Confirms a write only once it is on disk, so that a killed engine forgets nothing that it confirmed. */
  readonly durable?: boolean;
  /** Lives on when this process has ended. */
  readonly detached?: boolean;
  /** Is told what takes long. */
  readonly say?: (line: string) => void;
}

/** An engine that runs as a server, in a container or on Java. */
export interface ServerEngine {
  readonly kind: 'server';
  readonly source: EngineSource;
  readonly defaultPort: number;
  /** The variable by which tests are told the endpoint of one that runs already. */
  readonly testVariable: string;
  /** It stands in for a service that does not run on one's own machine: its speed promises nothing. */
  readonly isStandIn: boolean;
  endpoint(port: number): string;
  /** The environment by which a service finds the engine at `endpoint`. */
  environment(endpoint: string): Env;
  /** The settings of a part of the engine that is one's own. */
  ownPart(name: string): Env;
  /** Takes away what createSchema made for `config`. */
  removePart(config: Config): Promise<void>;
  /** The engine on `port`, running or not. @throws EngineUnavailable where it cannot run */
  create(port: number, options: EngineOptions): Promise<LocalEngine>;
}

/** An engine inside the service's own process, with its data in a folder. */
export interface EmbeddedEngine {
  readonly kind: 'embedded';
  /** The environment by which a service keeps its data in `folder`. */
  environment(folder: string): Env;
  /** The files that it keeps there. */
  files(folder: string): readonly string[];
}
