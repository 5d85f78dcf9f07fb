/** Connections of one kind, which take files from those of other kinds. */
export interface Crowd {
  readonly size: number;
  /** Lets one go that may go. @returns whether there was one */
  makeRoom(): boolean;
}

/** What bounds how many connections there are. */
export interface Room {
  /** @returns what tells whether there is room for one more of that kind */
  join(crowd: Crowd): () => boolean;
}

/** Room for so many of each kind. */
export function roomFor(most: number): Room {
  return { join: (crowd) => () => crowd.size < most };
}
