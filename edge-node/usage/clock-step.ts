import type { Minute, WriterId } from '../../shared/ids.ts';

/** A step of the clock, as it was followed. */
export interface ClockStep {
  readonly ms: number;
  readonly minutes: number;
  /** The first minute that /usage still tells after the step: cells of earlier ones need another date. */
  readonly first: Minute;
  /** Whose a writer's cells are once they are dated anew: two writers may have counted the same minute. */
  readonly heirOf: (writerId: WriterId) => WriterId;
  /**
   * Whether what the store has of a cell keeps its date. Else all of the cell gets the new one, and counts twice should
   * the clock come back.
   */
  readonly keepsStored: boolean;
}
