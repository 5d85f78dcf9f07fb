import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryPointFinder, NO_ENTRY } from './mpeg-ts.ts';
import {
  AAC,
  AUDIO,
  H264,
  key,
  PMT,
  packet,
  pat,
  patSection,
  picture,
  pmt,
  pmtSection,
  psi,
  type Stream,
  sound,
  spanning,
  VIDEO,
} from './testing/mpeg-ts-rig.ts';
import { isTransportStream, TS_PACKET_BYTES } from './ts-packet.ts';

/** As many as do not fit one packet. */
const manyPrograms = Array.from({ length: 60 }, (_, index): Stream => [index + 1, PMT]);

/** Pushes payloads at positions 0, 1, 2, … and gives the entry after each. */
function entries(payloads: readonly Buffer[], finder = new EntryPointFinder()): number[] {
  return payloads.map((bytes, position) => {
    finder.push(bytes, 0, bytes.length, position);
    return finder.entry;
  });
}

describe('where a decoder can start', () => {
  it('is the payload that holds PAT, PMT and key frame, at once', () => {
    expect(entries([picture, Buffer.concat([sound, pat, pmt, key])])).toEqual([NO_ENTRY, 1]);
  });

  it('is the payload of the last PAT, known only once the key frame has come', () => {
    expect(entries([pat, picture, pat, pmt, picture, key])).toEqual([-1, -1, -1, -1, -1, 2]);
  });

  it('is the older payload where a key frame completes it before the next PAT begins', () => {
    const both = Buffer.concat([key, pat, pmt]);
    expect(entries([Buffer.concat([pat, pmt]), both, key])).toEqual([-1, 0, 1]);
  });

  it('is the first of several key frames after a PAT, and nothing newer without a PAT', () => {
    expect(entries([pat, pmt, key, key, pmt, key])).toEqual([-1, -1, 0, 0, 0, 0]);
  });

  it('needs the PMT after the PAT, even where it was known before', () => {
    expect(entries([pmt, pat, key])).toEqual([-1, -1, -1]);
    expect(entries([pat, pmt, key, pat, key])).toEqual([-1, -1, 0, 0, 0]);
  });

  it('is not where the sound alone can be decoded, unless there is sound alone', () => {
    expect(entries([pat, pmt, sound])).toEqual([-1, -1, -1]);
    const soundOnly = psi(PMT, pmtSection([[AAC, AUDIO]]));
    expect(entries([pat, soundOnly, sound])).toEqual([-1, -1, 0]);
    expect(entries([pat, pmt, soundOnly, sound])).toEqual([-1, -1, -1, 0]);
  });

  it('is found by random access flags of scrambled pictures too, but by no scrambled table', () => {
    const scrambledKey = packet({ pid: VIDEO, randomAccess: true, scrambled: true });
    expect(entries([pat, pmt, scrambledKey])).toEqual([-1, -1, 0]);
    const payload = Uint8Array.from([0, ...patSection([1, PMT])]);
    const scrambledPat = packet({ pid: 0, start: true, scrambled: true, payload });
    expect(entries([scrambledPat, pmt, key])).toEqual([-1, -1, -1]);
  });

  it('takes no flag from where no flags are', () => {
    const noFlags = packet({ pid: VIDEO, payload: Buffer.alloc(183, 0x40) });
    const impossible = Buffer.from(key);
    impossible[4] = 184;
    expect(entries([pat, pmt, noFlags, impossible, key])).toEqual([-1, -1, -1, -1, 0]);
  });

  it('takes no packet that a receiver marked as damaged', () => {
    const damaged = packet({ pid: VIDEO, randomAccess: true, error: true });
    expect(entries([pat, pmt, damaged, key])).toEqual([-1, -1, -1, 0]);
  });
});

describe('tables', () => {
  it('follows the first program, past the network entry', () => {
    const several = psi(0, patSection([0, 0x10], [7, PMT], [8, 0x1001]));
    const elsewhere = psi(0x1001, pmtSection([[H264, VIDEO]], 8));
    const other = pmtSection([[H264, AUDIO]], 8);
    const first = psi(PMT, other, pmtSection([[H264, VIDEO]], 7), other);
    expect(entries([several, elsewhere, key, first, sound, key])).toEqual([-1, -1, -1, -1, -1, 0]);
  });

  it('follows a PMT whose pictures move to another PID, from the moment it applies', () => {
    const moved = (current: boolean) => psi(PMT, pmtSection([[H264, AUDIO]], 1, current));
    expect(entries([pat, pmt, moved(false), sound, key])).toEqual([-1, -1, -1, -1, 0]);
    expect(entries([pat, pmt, moved(true), key, sound])).toEqual([-1, -1, -1, -1, 0]);
  });

  it('follows a source that starts again with another PMT PID', () => {
    const again = [psi(0, patSection([1, 0x30])), psi(0x30, pmtSection([[H264, AUDIO]])), sound];
    expect(entries([pat, pmt, key, pat, ...again])).toEqual([-1, -1, 0, 0, 0, 0, 4]);
  });

  it('knows tables that span packets, begun where another section ends, and sent twice', () => {
    const long = pmtSection(
      [
        [AAC, AUDIO],
        [H264, VIDEO],
      ],
      1,
      true,
      400,
    );
    const parts = spanning(PMT, long);
    expect(parts).toHaveLength(3);
    expect(entries([pat, ...parts, sound, key]).at(-1)).toBe(0);
    expect(entries([pat, ...parts.flatMap((part) => [part, part]), sound, key]).at(-1)).toBe(0);

    const [first, second] = spanning(PMT, pmtSection([[H264, VIDEO]], 1, true, 250));
    const tail = [...second!.subarray(5 + second![4]!)];
    const joined = Uint8Array.from([tail.length, ...tail, ...pmtSection([[H264, AUDIO]], 9)]);
    const next = packet({ pid: PMT, start: true, continuity: 1, payload: joined });
    expect(entries([pat, first!, next, sound, key])).toEqual([-1, -1, -1, -1, 0]);
  });

  it('never takes a table from pieces of two', () => {
    const [first] = spanning(PMT, pmtSection([[H264, AUDIO]], 1, true, 250), 0);
    const [, last] = spanning(PMT, pmtSection([[H264, VIDEO]], 1, true, 250), 2);
    expect(entries([pat, first!, last!, key, pmt, key])).toEqual([-1, -1, -1, -1, -1, 0]);
  });

  it('passes over a section that is longer than any table', () => {
    const parts = spanning(PMT, pmtSection([[H264, VIDEO]], 1, true, 3900));
    const rest = Buffer.concat(parts.slice(1));
    expect(entries([pat, parts[0]!, rest, key, pmt, key])).toEqual([-1, -1, -1, -1, -1, 0]);
  });

  it('counts from the payload where a PAT began, and only a PMT that began after it', () => {
    const parts = spanning(0, patSection(...manyPrograms));
    expect(entries([...parts, pmt, key])).toEqual([-1, -1, -1, 0]);
    const [first, second] = spanning(PMT, pmtSection([[H264, VIDEO]], 1, true, 250));
    expect(entries([pat, first!, pat, second!, key, pmt, key])).toEqual([
      -1, -1, -1, -1, -1, -1, 2,
    ]);
  });
});

describe('what is no transport stream', () => {
  it('is told from it: lengths, a missing sync byte, nothing at all', () => {
    const finder = new EntryPointFinder();
    const broken = Buffer.concat([pat, pmt]);
    broken[TS_PACKET_BYTES] = 0x48;
    for (const bytes of [Buffer.alloc(0), broken, pat.subarray(1), Buffer.from('plain text')]) {
      expect(finder.push(bytes, 0, bytes.length, 0)).toBe(false);
    }
    expect(isTransportStream(Buffer.concat([pat, pmt]), 0, 376)).toBe(true);
  });

  it('between PAT and key frame leaves no clean start there', () => {
    const [first, second] = spanning(0, patSection(...manyPrograms));
    expect(entries([first!, Buffer.from('hole'), second!, pmt, key]).at(-1)).toBe(NO_ENTRY);
    expect(entries([pat, pmt, Buffer.from('hole'), key, pat, pmt, key])).toEqual([
      -1, -1, -1, -1, -1, -1, 4,
    ]);
  });
});

describe('any stream', () => {
  const kinds = { pat, pmt, key, picture, sound };
  type Kind = keyof typeof kinds;
  const anyKinds = fc.array(fc.constantFrom(...(Object.keys(kinds) as Kind[])), {
    minLength: 1,
    maxLength: 7,
  });

  it('agrees with a plain reading of the rule, however packets share payloads', () => {
    fc.assert(
      fc.property(fc.array(anyKinds, { maxLength: 40 }), (payloads) => {
        let [candidate, mapped, entry] = [NO_ENTRY, false, NO_ENTRY];
        const expected = payloads.map((payload, position) => {
          for (const kind of payload) {
            if (kind === 'pat') [candidate, mapped] = [position, false];
            if (kind === 'pmt' && candidate !== NO_ENTRY) mapped = true;
            if (kind === 'key' && mapped) [entry, candidate, mapped] = [candidate, NO_ENTRY, false];
          }
          return entry;
        });
        const bytes = payloads.map((payload) => Buffer.concat(payload.map((kind) => kinds[kind])));
        expect(entries(bytes)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('may end in a table that begins past its packet', () => {
    const emptyTable = Buffer.from(pat);
    emptyTable[4] = 183;
    expect(entries([emptyTable, pmt, key])).toEqual([-1, -1, -1]);
  });

  it('of hostile bytes never throws, never points ahead, and is read within its bounds alone', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 });
    const noise = fc
      .uint8Array({ minLength: 187, maxLength: 187 })
      .map((bytes) => Buffer.from([0x47, ...bytes]));
    const clean = anyKinds.map((payload) => Buffer.concat(payload.map((kind) => kinds[kind])));
    const hostile = fc.tuple(fc.oneof(clean, noise), damage).map(([bytes, hits]) => {
      const damaged = Buffer.from(bytes);
      for (const [at, value] of hits) if (at % 188 !== 0) damaged[at % damaged.length] = value;
      return damaged;
    });
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 30 }), (payloads) => {
        const finders = [new EntryPointFinder(), new EntryPointFinder()] as const;
        let before = NO_ENTRY;
        payloads.forEach((payload, position) => {
          const answers = finders.map((finder, index) => {
            const around = Buffer.alloc(payload.length + 400, index === 0 ? 0x47 : 0xff);
            around.set(payload, 200);
            return finder.push(around, 200, 200 + payload.length, position);
          });
          expect(answers[0]).toBe(answers[1]);
          expect(finders[0].entry).toBe(finders[1].entry);
          expect(finders[0].entry).toBeGreaterThanOrEqual(before);
          expect(finders[0].entry).toBeLessThanOrEqual(position);
          before = finders[0].entry;
        });
      }),
      { numRuns: 500 },
    );
  });
});
