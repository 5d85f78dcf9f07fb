import { describe, expect, it } from 'vitest';
import { readPcr, writePcr } from '../../../edge-node/mpeg-ts/pcr.ts';
import { readTimestamp, writeTimestamp } from '../../../edge-node/mpeg-ts/pes-timestamps.ts';
import { isTransportStream } from '../../../edge-node/mpeg-ts/ts-packet.ts';
import { StreamCheck } from '../viewer/stream-check.ts';
import { CLIP_NAMES, Clip, PAYLOAD_BYTES, TABLES_BYTES } from './clip.ts';

const PAYLOADS_PER_SECOND = 50;

describe.each(CLIP_NAMES)('the clip %s', (name) => {
  const clip = Clip.load(name);
  const check = (indexes: Iterable<number>): StreamCheck => {
    const found = new StreamCheck();
    for (const index of indexes) found.push(clip.payload(index));
    return found;
  };
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, index) => from + index);

  it('has payloads of whole TS packets, and an entry point at its start', () => {
    expect(isTransportStream(clip.payload(0), 0, PAYLOAD_BYTES)).toBe(true);
    expect(check(range(0, 2)).firstEntry).toBe(TABLES_BYTES);
  });

  it('has an entry point each second', () => {
    expect(check(range(1, 100)).firstEntry).toBe(
      (PAYLOADS_PER_SECOND - 1) * PAYLOAD_BYTES + TABLES_BYTES,
    );
  });

  it('goes on without a break for ever, past the turn of its clocks too', () => {
    const played = check(range(0, 1500));
    expect([played.gaps, played.errors, played.payloads]).toEqual([0, 0, 1500]);
    expect(played.playedTo).toBe(1500);
    expect(check(range(41, 1234)).playedTo).toBe(1234);
    const turn = Math.floor((2 ** 33 / 90_000) * PAYLOADS_PER_SECOND);
    const turned = check(range(turn - 1000, turn + 1000));
    expect([turned.gaps, turned.errors]).toEqual([0, 0]);
  });

  it('shows a check what is missing, twice or out of order', () => {
    const missing = check(range(0, 300).filter((index) => index !== 77));
    expect(missing.gaps).toBeGreaterThan(0);
    expect(check([...range(0, 78), 77, ...range(78, 300)]).gaps).toBeGreaterThan(0);
    expect(check([...range(0, 80), 81, 80, ...range(82, 300)]).errors).toBeGreaterThan(0);
  });
});

describe('a check of a stream', () => {
  it('finds the same however the bytes are cut', () => {
    const clip = Clip.load('zato01');
    const bytes = Buffer.concat(Array.from({ length: 60 }, (_, index) => clip.payload(index + 10)));
    const whole = new StreamCheck();
    whole.push(bytes);
    const cut = new StreamCheck();
    for (let at = 0; at < bytes.length; at += 1000) cut.push(bytes.subarray(at, at + 1000));
    const seen = (check: StreamCheck) => [
      check.bytes,
      check.payloads,
      check.firstEntry,
      check.errors,
    ];
    expect(seen(cut)).toEqual(seen(whole));
    expect(seen(whole)).toEqual([60 * PAYLOAD_BYTES, 60, 40 * PAYLOAD_BYTES + TABLES_BYTES, 0]);
  });

  it('counts what is no MPEG-TS as an error', () => {
    const check = new StreamCheck();
    check.push(Buffer.alloc(PAYLOAD_BYTES + 1));
    expect([check.errors, check.isWhole]).toEqual([1, false]);
  });
});

describe('timestamps', () => {
  it('are read as they were written, modulo 2^33', () => {
    const bytes = Buffer.alloc(6, 0x21);
    for (const ticks of [0, 1, 2 ** 15, 2 ** 30 + 1, 2 ** 32, 2 ** 33 - 1]) {
      writeTimestamp(bytes, 0, ticks + 2 ** 33);
      expect(readTimestamp(bytes, 0)).toBe(ticks);
      writePcr(bytes, 0, (ticks + 2 ** 33) * 300 + 299);
      expect(readPcr(bytes, 0)).toBe(ticks * 300 + 299);
      bytes.fill(0x21);
    }
  });
});
