import { nothing } from '../../testing/mpeg-ts-rig.ts';
import { EntryFinder, NO_ENTRY } from '../entry-finder.ts';

/** Pushes the pieces one by one, and gives the pieces at whose beginnings entries were found; -1 where one was lost. */
export function found(pieces: readonly Buffer[]): number[] {
  const starts = new Map<number, number>([[NO_ENTRY, -1]]);
  const finder = new EntryFinder();
  const entries: number[] = [];
  finder.push(nothing, 0, nothing.length); // so that each packet is found at once
  let streamAt = nothing.length;
  let last = NO_ENTRY;
  [...pieces, nothing].forEach((piece, index) => {
    starts.set(streamAt, index);
    streamAt += piece.length;
    finder.push(piece, 0, piece.length);
    if (finder.begun.at === last) return;
    last = finder.begun.at;
    entries.push(starts.get(last) ?? Number.NaN);
  });
  return entries;
}

export function lastTables(pieces: readonly Buffer[]): Buffer {
  const finder = new EntryFinder();
  for (const piece of [...pieces, nothing]) finder.push(piece, 0, piece.length);
  return finder.begun.tables;
}
