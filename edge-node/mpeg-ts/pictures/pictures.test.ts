import { describe, expect, it } from 'vitest';
import {
  h264,
  h264Key,
  h264Picture,
  hevc,
  mpeg2,
  TestStream,
  VIDEO_PID,
} from '../testing/mpeg-ts-rig.ts';
import { headerAt, TS_PACKET_BYTES } from '../ts-packet.ts';
import { KeyPictures, type PictureCodec } from './key-pictures.ts';

/** Which of the PES packets the finder takes for key pictures, by their numbers. */
function keysOf(codec: PictureCodec, pictures: readonly Buffer[], perPacket = 184): number[] {
  const keys: number[] = [];
  const starts: number[] = [];
  const finder = new KeyPictures(codec, (at) => keys.push(starts.indexOf(at)));
  const stream = new TestStream();
  let streamAt = 0;
  for (const picture of pictures) {
    starts.push(streamAt);
    const packets = stream.video(picture, { perPacket });
    for (let at = 0; at < packets.length; at += TS_PACKET_BYTES) {
      finder.push(packets, at, headerAt(packets, at), streamAt + at);
    }
    streamAt += packets.length;
  }
  return keys;
}

const join = (...parts: Buffer[]): Buffer => Buffer.concat(parts);

describe('H.264', () => {
  const { delimiter, sps, pps, recoveryPoint, idr, allI, i, nextI, nextP, p } = h264;

  it.each([
    ['an IDR picture', join(delimiter, sps, pps, idr)],
    ['one without a delimiter', join(sps, pps, idr)],
    ['one whose parameters came long ago', join(delimiter, idr)],
    ['a recovery point, behind another message', join(delimiter, sps, pps, recoveryPoint, p)],
    ['I slices, and it is said of all', join(delimiter, sps, pps, allI)],
  ])('has a key picture in %s', (_, key) => {
    expect(keysOf('h264', [h264Picture, key, h264Picture, key])).toEqual([1, 3]);
  });

  it.each([
    ['a P picture', h264Picture],
    ['a P picture with parameters', join(delimiter, sps, pps, p)],
    ['an I picture without parameters', join(delimiter, allI)],
    ['a recovery point without parameters', join(delimiter, recoveryPoint, p)],
    ['I and P slices', join(delimiter, sps, pps, i, nextI, nextP)],
    ['parameters alone', join(delimiter, sps, pps)],
  ])('has none in %s', (_, other) => {
    expect(keysOf('h264', [h264Picture, other, h264Picture])).toEqual([]);
  });

  it('has one in slices that are all I, which shows when the next picture begins', () => {
    const key = join(delimiter, sps, pps, i, nextI);
    expect(keysOf('h264', [h264Picture, key])).toEqual([]);
    expect(keysOf('h264', [h264Picture, key, h264Picture])).toEqual([1]);
    expect(keysOf('h264', [key, p])).toEqual([0]);
  });

  it('takes each picture once, however many slices it has', () => {
    expect(keysOf('h264', [join(delimiter, sps, pps, idr, idr.subarray(0, 0), nextI)])).toEqual([
      0,
    ]);
  });

  it('has it where its first unit is, be it in an earlier PES packet, or one with others', () => {
    expect(keysOf('h264', [h264Picture, join(delimiter, sps), join(pps, idr)])).toEqual([1]);
    expect(keysOf('h264', [h264Picture, join(p, delimiter, sps, pps, idr, h264Picture)])).toEqual([
      1,
    ]);
    const split = join(delimiter, sps, pps, idr);
    const parts = [join(h264Picture, split.subarray(0, 2)), split.subarray(2), h264Picture];
    expect(keysOf('h264', parts)).toEqual([0]);
  });

  it('has none of which only the end was seen', () => {
    expect(keysOf('h264', [join(nextI, h264Picture)])).toEqual([]);
  });

  it('leaves out the byte that keeps start codes from arising in a header', () => {
    // first_mb_in_slice 2^21 - 1, written with 21 zeros: 00 00 03 04 …; slice_type 7.
    const emulated = Buffer.from([0, 0, 1, 0x65, 0x00, 0x00, 0x03, 0x04, 0x00, 0x00, 0x03, 0x02]);
    const key = join(delimiter, sps, pps, idr);
    expect(keysOf('h264', [join(delimiter, sps, pps, emulated), key])).toEqual([0, 1]);
  });
});

describe('HEVC', () => {
  const { delimiter, parameters, cra, idr, trail, nextTrail } = hevc;

  it('has a key picture in each of the intra random access types', () => {
    const pictures = [
      join(delimiter, trail),
      join(delimiter, parameters, cra),
      join(delimiter, trail, nextTrail),
      join(parameters, idr),
      join(delimiter, trail),
      join(delimiter, idr, delimiter, trail),
    ];
    expect(keysOf('hevc', pictures)).toEqual([1, 3]);
    expect(keysOf('hevc', pictures.slice(4))).toEqual([1]);
  });

  it('has none in a layer above the base', () => {
    const upper = Buffer.from(cra);
    upper[4] = 0x09;
    const far = Buffer.from(cra);
    far[3]! |= 1;
    expect(keysOf('hevc', [join(delimiter, trail), upper, far])).toEqual([]);
  });

  it('has none of which only the end was seen', () => {
    const next = Buffer.from(cra);
    next[5] = 0x40;
    expect(keysOf('hevc', [next, join(delimiter, trail)])).toEqual([]);
  });
});

describe('MPEG-1 and MPEG-2', () => {
  const { sequence, group, i, p } = mpeg2;

  it('have a key picture in an I picture behind a sequence header', () => {
    const pictures = [p, join(sequence, group, i), p, join(group, i), join(sequence, i), p];
    expect(keysOf('mpegVideo', pictures)).toEqual([1, 4]);
  });

  it('have none in a P picture behind one, nor in the picture after it', () => {
    expect(keysOf('mpegVideo', [join(sequence, p), i, join(sequence, group, p), i])).toEqual([]);
  });

  it('have it where the sequence header is, in the middle of a PES packet too', () => {
    expect(keysOf('mpegVideo', [p, join(p, sequence, group), join(i, p), p])).toEqual([1]);
  });
});

describe('parameter sets', () => {
  const withThem = [
    ['h264', h264Key, join(h264.delimiter, h264.idr), h264Picture],
    [
      'hevc',
      join(hevc.delimiter, hevc.parameters, hevc.idr),
      join(hevc.delimiter, hevc.idr),
      join(hevc.delimiter, hevc.trail),
    ],
  ] as const;

  it.each(withThem)(
    '%s: where they are repeated, no start is without them; where they came once, any is',
    (codec, key, bare, other) => {
      expect(keysOf(codec, [bare, other, key, bare, other, bare, key, bare])).toEqual([0, 2, 6]);
      const once = [key, ...Array.from({ length: 18 }, () => bare)];
      expect(keysOf(codec, once)).toEqual([0, 16, 17, 18]);
    },
  );
});

describe('any codec', () => {
  const streams: readonly [PictureCodec, Buffer, Buffer][] = [
    ['h264', h264Key, h264Picture],
    ['hevc', join(hevc.delimiter, hevc.parameters, hevc.cra), join(hevc.delimiter, hevc.trail)],
    ['mpegVideo', join(mpeg2.sequence, mpeg2.group, mpeg2.i), mpeg2.p],
  ];

  it.each(streams)('%s is read through packets of any size', (codec, key, other) => {
    for (let perPacket = 1; perPacket <= 60; perPacket += 1) {
      expect(keysOf(codec, [other, key, other, other, key], perPacket)).toEqual([1, 4]);
    }
  });

  it.each(streams)(
    '%s is read whole again where pictures no longer begin their PES packets',
    (codec, key, other) => {
      const steady = Array.from({ length: 100 }, () => other);
      const mixed = Array.from({ length: 17 }, () => join(other, other));
      const pictures = [...steady, key, ...steady, ...mixed, join(other, key), other, key];
      expect(keysOf(codec, pictures)).toEqual([100, 218, 220]);
    },
  );

  it.each(streams)('%s goes on with the next picture after a loss', (codec, key, other) => {
    const found: number[] = [];
    const finder = new KeyPictures(codec, (at) => found.push(at));
    const stream = new TestStream();
    const push = (packets: Buffer, streamAt: number) => {
      for (let at = 0; at < packets.length; at += TS_PACKET_BYTES) {
        finder.push(packets, at, headerAt(packets, at), streamAt);
      }
    };
    const parts = stream.video(key, { perPacket: 16 });
    push(parts.subarray(0, TS_PACKET_BYTES), 1);
    push(parts.subarray(2 * TS_PACKET_BYTES), 1); // its second packet is lost
    push(stream.video(other), 2);
    push(stream.video(key), 3);
    stream.lose(VIDEO_PID);
    push(stream.video(key), 4);
    expect(found).toEqual([3, 4]);
  });

  it.each(streams)('%s is read though packets come twice', (codec, key, other) => {
    const found: number[] = [];
    const finder = new KeyPictures(codec, (at) => found.push(at));
    const stream = new TestStream();
    [other, key, other].forEach((picture, index) => {
      const packets = stream.video(picture, { perPacket: 20 });
      for (let at = 0; at < packets.length; at += TS_PACKET_BYTES) {
        finder.push(packets, at, headerAt(packets, at), index);
        finder.push(packets, at, headerAt(packets, at), index + 0.5);
      }
    });
    expect(found).toEqual([1]);
  });

  it.each(streams)('%s passes over a PES header that is none, or scrambled', (codec, key) => {
    const found: number[] = [];
    const finder = new KeyPictures(codec, (at) => found.push(at));
    for (const [index, damage] of [
      [2, 2],
      [6, 0xb4],
      [8, 255],
    ] as const) {
      const packets = new TestStream().video(key, { stuffing: 0 });
      packets[4 + index] = damage;
      finder.reset();
      finder.push(packets, 0, headerAt(packets, 0), 1);
    }
    expect(found).toEqual([]);
  });
});
