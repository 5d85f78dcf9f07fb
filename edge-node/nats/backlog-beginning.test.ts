import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBeginning, encodeBeginning } from './backlog-beginning.ts';

const half = fc.nat({ max: 2 ** 32 - 1 });
const sequence = fc.record({ high: half, low: half });

it('tells both sequences, and may be longer in later versions', () => {
  fc.assert(
    fc.property(sequence, sequence, fc.uint8Array(), (first, ordered, more) => {
      const message = Buffer.concat([encodeBeginning({ first, ordered }), more]);
      expect(decodeBeginning(message)).toEqual({ first, ordered });
    }),
  );
});

it('is none where it is shorter', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 15 }), (bytes) => {
      expect(decodeBeginning(bytes)).toBeUndefined();
    }),
  );
});
