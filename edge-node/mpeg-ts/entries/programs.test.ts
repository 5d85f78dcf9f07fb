import { describe, expect, it } from 'vitest';
import { encodeSection } from '../sections.ts';
import {
  AAC,
  H264,
  h264Key,
  h264Picture,
  PMT_PID,
  packet,
  patSection,
  pmtSection,
  TestStream,
  VIDEO_PID,
} from '../testing/mpeg-ts-rig.ts';
import { found, lastTables } from './testing/found.ts';

const RADIO_PMT = 0x900;
const RADIO_SOUND = 0x300;
const OTHER_PMT = 0x910;
const OTHER_VIDEO = 0x400;

/** A stream whose association names a radio (2) or another program (3) before program 1. */
class Several extends TestStream {
  radioMap(): Buffer {
    return this.section(RADIO_PMT, pmtSection([[AAC, RADIO_SOUND]], 2));
  }
  otherMap(): Buffer {
    return this.section(OTHER_PMT, pmtSection([[H264, OTHER_VIDEO]], 3));
  }
  radio(): Buffer {
    return this.pes(RADIO_SOUND, Buffer.alloc(60, 0x55), { streamId: 0xc0 });
  }
  other(picture: Buffer): Buffer {
    return this.pes(OTHER_VIDEO, picture);
  }
}

describe('of several programs', () => {
  it('one that is named and never comes is passed over', () => {
    const to = new Several();
    const pat = to.pat([9, 0x920], [3, OTHER_PMT], [1, PMT_PID]);
    const pieces = [pat, to.otherMap(), to.pmt(), to.video(h264Picture), to.video(h264Key)];
    expect(found(pieces)).toEqual([4]);
    expect(lastTables(pieces)).toEqual(Buffer.concat([pat, pieces[2]!]));
  });

  it('the first with pictures is followed, in the order of the table, whoever comes first', () => {
    const to = new Several();
    const pieces = [
      ...[to.pat([3, OTHER_PMT], [1, PMT_PID]), to.pmt(), to.video(h264Key), to.otherMap()],
      ...[to.video(h264Key), to.other(h264Picture), to.video(h264Key), to.other(h264Key)],
      ...[to.video(h264Key), to.other(h264Key)],
    ];
    expect(found(pieces)).toEqual([2, 4, 7, 9]);
  });

  it('the sound of a radio is no key of the pictures of another, wherever they stand', () => {
    for (const order of [
      [
        [2, RADIO_PMT],
        [1, PMT_PID],
      ],
      [
        [1, PMT_PID],
        [2, RADIO_PMT],
      ],
    ] as const) {
      const to = new Several();
      const tables = [to.pat(...order), to.radioMap(), to.pmt()];
      const pieces = [
        ...[...tables, to.video(h264Picture), to.radio(), to.sound(), to.radio()],
        ...[to.video(h264Key), to.radio()],
      ];
      expect(found(pieces)).toEqual([7]);
    }
  });

  it('a radio is followed while no pictures come, and what it gave ends with the first', () => {
    const to = new Several();
    const tables = [to.pat([2, RADIO_PMT], [1, PMT_PID]), to.radioMap(), to.pmt()];
    const pieces = [...tables, to.radio(), to.radio(), to.video(h264Picture), to.radio()];
    expect(found(pieces)).toEqual([3, 4, -1]);
  });

  it('one that has gone is followed by the next, and followed again when it is back', () => {
    const to = new Several();
    const tables = [to.pat([3, OTHER_PMT], [1, PMT_PID]), to.otherMap(), to.pmt()];
    const gone = Array.from({ length: 101 }, () => to.video(h264Key));
    const pieces = [...tables, to.other(h264Key), ...gone, to.video(h264Key)];
    expect(found(pieces)).toEqual([3, 3 + 101, 3 + 102]);
    const back = [...pieces, to.other(h264Picture), to.video(h264Key), to.other(h264Key)];
    expect(found(back)).toEqual([3, 104, 105, 108]);
  });

  it('one that is scrambled and never says where to start is passed over', () => {
    const to = new Several();
    const tables = [to.pat([3, OTHER_PMT], [1, PMT_PID]), to.otherMap(), to.pmt()];
    const scrambled = () => to.pes(OTHER_VIDEO, h264Key, { scrambled: true });
    const pieces = [...tables, scrambled(), to.video(h264Key), scrambled(), to.video(h264Key)];
    expect(found(pieces)).toEqual([4, 6]);
    const flagged = to.pes(OTHER_VIDEO, h264Picture, { scrambled: true, randomAccess: true });
    expect(found([...pieces, flagged])).toEqual([4, 6, 7]);
  });

  it('those that leave the association are followed no more', () => {
    const to = new Several();
    const tables = [to.pat([3, OTHER_PMT], [1, PMT_PID]), to.otherMap(), to.pmt()];
    const pieces = [
      ...[...tables, to.other(h264Key), to.pat([1, PMT_PID]), to.other(h264Key)],
      to.video(h264Key),
    ];
    expect(found(pieces)).toEqual([3, 6]);
  });

  it('some may share the PID of their maps, and even a packet', () => {
    const to = new TestStream();
    const maps = Buffer.concat([
      Buffer.of(0),
      pmtSection([[AAC, RADIO_SOUND]], 2),
      pmtSection([[H264, VIDEO_PID]], 1),
    ]);
    const both = packet({ pid: PMT_PID, start: true, payload: maps });
    const pieces = [to.pat([2, PMT_PID], [1, PMT_PID]), both, to.video(h264Key)];
    expect(found(pieces)).toEqual([2]);
    expect(lastTables(pieces)).toEqual(Buffer.concat([pieces[0]!, both]));
  });
});

describe('an association of several sections', () => {
  const part = (number: number, last: number, program: number, pmtPid: number): Buffer =>
    encodeSection({
      tableId: 0,
      extension: 1,
      body: patSection([program, pmtPid]).subarray(8, 12),
      number,
      lastNumber: last,
    });

  it('is copied whole, and names the programs of all', () => {
    const to = new TestStream();
    const first = to.section(0, part(0, 1, 77, 0x777));
    const second = to.section(0, part(1, 1, 1, PMT_PID));
    const pmt = to.pmt();
    const pieces = [first, second, pmt, to.video(h264Key), to.sound()];
    expect(found(pieces)).toEqual([3]);
    expect(lastTables(pieces)).toEqual(Buffer.concat([first, second, pmt]));
  });

  it('may come in one packet, which is copied once', () => {
    const to = new TestStream();
    const payload = Buffer.concat([Buffer.of(0), part(0, 1, 1, PMT_PID), part(1, 1, 77, 0x777)]);
    const pat = packet({ pid: 0, start: true, payload });
    const pieces = [pat, to.pmt(), to.video(h264Key)];
    expect(found(pieces)).toEqual([2]);
    expect(lastTables(pieces)).toEqual(Buffer.concat([pat, pieces[1]!]));
  });

  it('is none until its last section has come', () => {
    const to = new TestStream();
    const sections = [to.section(0, part(1, 1, 77, 0x777)), to.section(0, part(0, 1, 1, PMT_PID))];
    expect(found([...sections, to.pmt(), to.video(h264Key)])).toEqual([]);
    const last = to.section(0, part(1, 1, 77, 0x777));
    const more = [...sections, to.pmt(), to.video(h264Key), last, to.video(h264Key)];
    expect(found(more)).toEqual([5]);
  });

  it('that shrinks forgets the programs of the rest', () => {
    const to = new TestStream();
    const two = [to.section(0, part(0, 1, 77, 0x777)), to.section(0, part(1, 1, 1, PMT_PID))];
    const one = to.section(0, part(0, 0, 78, 0x778));
    const pieces = [...two, to.pmt(), to.video(h264Key), one, to.video(h264Key), to.sound()];
    expect(found(pieces)).toEqual([3]);
  });
});
