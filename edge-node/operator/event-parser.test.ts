import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventParser } from './event-parser.ts';

const TEXT =
  ': hello\nevent: history\ndata: {"samples":[]}\n\nid: 3\nevent: snapshot\ndata: one\ndata:two\n\nevent: none\n\n';

test('events come out the same however the text is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: TEXT.length })), (cuts) => {
      const events: string[][] = [];
      const parser = new EventParser((name, data) => events.push([name, data]));
      const places = [0, ...cuts, TEXT.length].toSorted((one, other) => one - other);
      for (const [i, place] of places.entries()) parser.push(TEXT.slice(place, places[i + 1]));
      expect(events).toEqual([
        ['history', '{"samples":[]}'],
        ['snapshot', 'one\ntwo'],
      ]);
    }),
  );
});
