import { describe, expect, it } from 'vitest';
import {
  AAC,
  H264,
  h264,
  h264Key,
  h264Picture,
  nothing,
  PMT_PID,
  PRIVATE,
  SOUND_PID,
  type Stream,
  TestStream,
  VC1,
  VIDEO_PID,
} from '../testing/mpeg-ts-rig.ts';
import { TS_PACKET_BYTES } from '../ts-packet.ts';
import { EntryFinder } from './entry-finder.ts';
import { found, lastTables } from './testing/found.ts';

describe('an entry', () => {
  it('is the packet of the key picture, with the last tables before it as they came', () => {
    const to = new TestStream();
    const [pat, pmt] = [to.pat(), to.pmt()];
    const pieces = [pat, pmt, to.video(h264Picture), to.video(h264Key), to.video(h264Picture)];
    expect(found(pieces)).toEqual([3]);
    expect(lastTables(pieces)).toEqual(Buffer.concat([pat, pmt]));
  });

  it('needs no PAT between two of them, and no PMT after a PAT', () => {
    const to = new TestStream();
    const pat = to.pat();
    const pmt = to.pmt();
    const picture = () => to.video(h264Picture);
    const key = () => to.video(h264Key);
    const pieces = [pat, pmt, key(), picture(), key(), picture(), to.pat(), key(), picture()];
    expect(found(pieces)).toEqual([2, 4, 7]);
  });

  it('has the tables that came before the picture began, not those in the middle of it', () => {
    const to = new TestStream();
    const [pat, pmt] = [to.pat(), to.pmt()];
    // The slice comes in the second packet, behind a newer PAT.
    const key = to.video(h264Key, { perPacket: 40 });
    const pieces = [pat, pmt, key.subarray(0, 188), to.pat(), key.subarray(188)];
    expect(found(pieces)).toEqual([2]);
    expect(lastTables(pieces)).toEqual(Buffer.concat([pat, pmt]));
  });

  it('does not go by flags where the codec says it itself', () => {
    const to = new TestStream();
    const flagged = to.video(h264Picture, { randomAccess: true });
    const pieces = [
      to.pat(),
      to.pmt(),
      flagged,
      to.video(h264Key),
      to.sound({ randomAccess: true }),
    ];
    expect(found(pieces)).toEqual([3]);
  });

  it('goes by flags where pictures are scrambled, and where nobody reads the codec', () => {
    const flagged = { randomAccess: true, scrambled: true };
    const to = new TestStream();
    const scrambled = [to.video(h264Key, { scrambled: true }), to.video(h264Picture, flagged)];
    expect(found([to.pat(), to.pmt(), ...scrambled])).toEqual([3]);
    const vc1 = new TestStream();
    const pictures = [vc1.video(h264Key), vc1.video(h264Picture, { randomAccess: true })];
    expect(found([vc1.pat(), vc1.pmt([[VC1, VIDEO_PID]]), ...pictures])).toEqual([3]);
  });

  it('is every beginning of sound where there is nothing else', () => {
    const to = new TestStream();
    const tables = [to.pat(), to.pmt([[AAC, SOUND_PID]])];
    const sound = () => to.sound({ perPacket: 60 });
    const parts = sound();
    const pieces = [...tables, parts.subarray(0, 188), parts.subarray(188), sound(), sound()];
    expect(found(pieces)).toEqual([2, 4, 5]);
  });

  it('is none before the tables have come, nor of a picture that is not whole', () => {
    const to = new TestStream();
    const early = [to.video(h264Key), to.pmt(), to.pat(), to.video(h264Key), to.pmt()];
    expect(found(early)).toEqual([]);
    const lossy = new TestStream();
    const key = lossy.video(h264Key, { perPacket: 20 });
    const cut = [key.subarray(0, 188), key.subarray(2 * 188)];
    expect(found([lossy.pat(), lossy.pmt(), ...cut, lossy.video(h264Key)])).toEqual([4]);
  });

  it('is none where something of the picture is lost later, be it its end, and the one before stays', () => {
    for (const lost of [0, 1]) {
      const to = new TestStream();
      const tables = [to.pat(), to.pmt()];
      const whole = to.video(h264Key);
      const picture = to.video(h264Picture);
      const key = to.video(h264Key, { perPacket: 100 });
      expect(key.length).toBe(5 * TS_PACKET_BYTES);
      const kept = [key.subarray(0, 3 * 188), key.subarray(4 * 188, (5 - lost) * 188)];
      const pieces = [...tables, whole, picture, ...kept, to.video(h264Picture), nothing];
      expect(found(pieces)).toEqual([2, 4, -1]);
      const finder = new EntryFinder();
      for (const piece of [nothing, ...pieces]) finder.push(piece, 0, piece.length);
      expect(finder.whole.at).toBe(nothing.length + tables[0]!.length + tables[1]!.length);
    }
  });

  it('is none in packets that a receiver marked as damaged', () => {
    const to = new TestStream();
    const [pat, pmt] = [to.pat(), to.pmt()];
    const key = to.video(h264Key);
    key[1]! |= 0x80;
    expect(found([pat, pmt, key, to.video(h264Key)])).toEqual([3]);
  });
});

describe('tables', () => {
  it('may span packets, and several sections, and be sent once', () => {
    const to = new TestStream();
    const padding = Array.from({ length: 250 }, () => 0x55);
    const pmt = to.pmt([
      [AAC, SOUND_PID, [0x7d, 250, ...padding]],
      [H264, VIDEO_PID, [0x7d, 250, ...padding]],
    ]);
    expect(pmt.length).toBe(3 * TS_PACKET_BYTES);
    const pat = to.pat(...Array.from({ length: 60 }, (_, at) => [at + 1, PMT_PID + at] as const));
    expect(pat.length).toBe(2 * TS_PACKET_BYTES);
    const pieces = [pat, pmt, to.video(h264Picture), to.video(h264Key), to.video(h264Key)];
    expect(found(pieces)).toEqual([3, 4]);
    expect(lastTables(pieces)).toEqual(Buffer.concat([pat, pmt]));
  });

  it('with a wrong CRC are none', () => {
    const to = new TestStream();
    const [pat, pmt] = [to.pat(), to.pmt()];
    const broken = to.pmt([[H264, SOUND_PID]]);
    broken[16]! ^= 1;
    expect(found([pat, pmt, broken, to.video(h264Key)])).toEqual([3]);
  });

  it('may move the pictures to another PID or codec', () => {
    const to = new TestStream();
    const moved = () => to.pmt([[H264, 0x200]]);
    const key = (pid: number) => to.pes(pid, h264Key);
    const pieces = [to.pat(), to.pmt(), key(VIDEO_PID), moved(), key(VIDEO_PID), key(0x200)];
    expect(found(pieces)).toEqual([2, 5]);
    const again = [to.pat([1, 0x30]), to.section(0x30, Buffer.alloc(0)), key(0x200)];
    expect(found([...pieces, ...again])).toEqual([2, 5]);
  });
});

describe('streams of no stated kind', () => {
  const unknownAndSound: readonly Stream[] = [
    [0x80, VIDEO_PID],
    [AAC, SOUND_PID],
  ];

  it('are pictures where their registration says so', () => {
    const to = new TestStream();
    const av1: Stream = [PRIVATE, VIDEO_PID, [0x05, 4, ...Buffer.from('AV01')]];
    const avc: Stream = [PRIVATE, VIDEO_PID, [0x05, 4, ...Buffer.from('H264')]];
    const sounds = () => to.sound({ randomAccess: true });
    const picture = to.video(h264Picture, { streamId: 0xbd, randomAccess: true });
    const tables = [to.pat(), to.pmt([av1, [AAC, SOUND_PID]])];
    expect(found([...tables, picture, sounds()])).toEqual([2]);
    const known = new TestStream();
    const pictures = [known.video(h264Picture, { randomAccess: true }), known.video(h264Key)];
    expect(found([known.pat(), known.pmt([avc]), ...pictures])).toEqual([3]);
  });

  it('are pictures where their PES packets say so, and then the sound before them is no entry', () => {
    const to = new TestStream();
    const tables = [to.pat(), to.pmt(unknownAndSound)];
    const pieces = [...tables, to.sound(), to.video(h264.p), to.sound(), to.sound()];
    expect(found(pieces.slice(0, 3))).toEqual([2]);
    expect(found(pieces)).toEqual([2, -1]);
    expect(found([...pieces, to.video(h264.p, { randomAccess: true })])).toEqual([2, -1, 6]);
  });

  it('are none of them where they say otherwise', () => {
    const to = new TestStream();
    const tables = [to.pat(), to.pmt(unknownAndSound)];
    const data = to.video(h264.p, { streamId: 0xbd });
    expect(found([...tables, data, to.sound(), data, to.sound()])).toEqual([3, 5]);
  });
});

describe('what is no transport stream', () => {
  it('between packets moves nothing: empty payloads, odd ones, other sizes', () => {
    const to = new TestStream();
    const odd = [Buffer.alloc(0), Buffer.alloc(100, 1), Buffer.from('text')];
    const payload = (packets: Buffer) => Buffer.concat([packets, nothing]);
    const pieces = [
      ...[payload(to.pat()), ...odd, payload(to.pmt()), ...odd, payload(to.video(h264Key)), ...odd],
      ...[payload(to.video(h264Picture)), payload(to.video(h264Key))],
    ];
    expect(found(pieces)).toEqual([8, 13]);
  });

  it('ends the entries once it goes on', () => {
    const to = new TestStream();
    const pieces = [to.pat(), to.pmt(), to.video(h264Key)];
    expect(found([...pieces, nothing, Buffer.alloc(60_000, 1)])).toEqual([2]);
    expect(found([...pieces, nothing, Buffer.alloc(70_000, 1)])).toEqual([2, -1]);
  });
});
