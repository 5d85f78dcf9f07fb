import { join } from 'node:path';
import { Child, type Own, withChildren } from '../child.ts';
import type { Programs } from '../programs.ts';
import { type EdgeNode, type EdgeOptions, portFrom, startEdgeNode } from '../server.ts';
import { Crowd } from './crowd.ts';

const START_MS = 10_000;

/** Where the programs are, and what is prepared for the edge node. */
export interface Bench {
  readonly programs: Programs;
  /** The store's file, with bench-0 up to MOST_USERS registered. */
  readonly dataFolder: string;
  readonly logFolder: string;
}

/** The processes of one case, which end with it. */
export class Rig {
  readonly #bench: Bench;
  readonly #own: Own;

  private constructor(bench: Bench, own: Own) {
    this.#bench = bench;
    this.#own = own;
  }

  /** Does `work`, and ends all that it started. */
  static with<T>(bench: Bench, work: (rig: Rig) => Promise<T>): Promise<T> {
    return withChildren((own) => work(new Rig(bench, own)));
  }

  /** An edge node that reads one channel of the bench's own payloads. */
  async edgeNode(name: string, packetsPerSecond: number): Promise<EdgeNode> {
    const source = this.#own(new Child(this.#bench.programs.loadSource, [1, packetsPerSecond]));
    return this.edgeNodeAt(name, portFrom(await source.line(START_MS)), {});
  }

  async edgeNodeAt(
    name: string,
    sourcePort: number,
    settings: EdgeOptions['settings'] & object,
  ): Promise<EdgeNode> {
    const { dataFolder, logFolder } = this.#bench;
    const logFile = join(logFolder, `${name}.edge-node.log`);
    const edge = await startEdgeNode(sourcePort, { dataFolder, logFile, settings });
    this.#own(edge.child);
    return edge;
  }

  /** Users who may be refused. */
  crowd(edge: EdgeNode, mostUsers: number): Crowd {
    return new Crowd(this.#own(new Child(this.#bench.programs.crowd, [edge.port, mostUsers, 1])));
  }

  /** Users who are there from now on, and users who never read. */
  users(edge: EdgeNode, readers: number, stalled: number): Child {
    return this.#own(new Child(this.#bench.programs.users, [edge.port, readers, stalled, 1]));
  }
}
