import { BenchError, type Child } from '../child.ts';
import { cpuSeconds } from '../proc.ts';

/** Longer than the crowd itself waits for those who hear nothing. */
const ANSWER_MS = 30_000;

/** What became of those who came by one command. */
export interface Coming {
  readonly came: number;
  readonly in: number;
  /** By a whole line. */
  readonly refused: number;
  /** Closed or reset before they heard anything, or in the middle of the line. */
  readonly reset: number;
  /** From the command until the last of them had an answer. */
  readonly seconds: number;
  /** From connecting to the first byte, of those who are in. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Interval {
  readonly packets: number;
  /** Packets that any user has missed, ever. */
  readonly missing: number;
  /** Users who were in and whose connection the server has ended, ever. */
  readonly cutOff: number;
  /** From the source's send to the user's receive. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Speaks to crowd.c, which describes what it does. */
export class Crowd {
  readonly #child: Child;

  constructor(child: Child) {
    this.#child = child;
  }

  /** CPU that the users themselves have taken: past a core they receive late what was sent in time. */
  get cpuSeconds(): number {
    return cpuSeconds(this.#child.pid);
  }

  come(count: number): Promise<Coming> {
    return this.#move(`come ${count}`);
  }

  again(): Promise<Coming> {
    return this.#move('again');
  }

  async start(): Promise<void> {
    await this.#ask('start');
  }

  async stop(): Promise<Interval> {
    return JSON.parse(await this.#ask('stop')) as Interval;
  }

  async #move(command: string): Promise<Coming> {
    const coming = JSON.parse(await this.#ask(command)) as Coming;
    const silent = coming.came - coming.in - coming.refused - coming.reset;
    if (silent > 0) throw new BenchError(`${silent} of ${coming.came} users heard nothing`);
    return coming;
  }

  #ask(command: string): Promise<string> {
    this.#child.tell(command);
    return this.#child.line(ANSWER_MS);
  }
}
