import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelId } from '../../shared/ids.ts';
import { DIRECTORY_CHANNELS } from '../../shared/limits.ts';
import { decodeDirectory, encodeDirectory } from './directory-message.ts';
import { channelIdOfHex, Subjects } from './subjects.ts';

const ids = fc.stringMatching(/^[!-~]{1,6}$/).map((id) => id as ChannelId);
const rate = fc.record({ packetsPerSecond: fc.nat(), bytesPerSecond: fc.nat() });

describe('the directory', () => {
  it('tells every channel with its rates, in messages that fit into one of NATS', () => {
    const channels = fc
      .uniqueArray(fc.tuple(ids, rate), { selector: ([id]) => id, maxLength: 3_000 })
      .map((rows) => new Map(rows));
    fc.assert(
      fc.property(channels, (given) => {
        const messages = encodeDirectory('relay-1', given);
        const told = messages.map((message) => decodeDirectory(message));
        expect(new Map(told.flatMap((part) => [...(part?.channels ?? [])]))).toEqual(given);
        for (const part of told) expect(part?.relay).toBe('relay-1');
        for (const message of messages) expect(message.length).toBeLessThan(65_536);
        expect(messages.length).toBe(Math.max(1, Math.ceil(given.size / DIRECTORY_CHANNELS)));
      }),
      { numRuns: 50 },
    );
  });

  it('takes nothing that is no such message, and never throws', () => {
    const nonsense = [
      '',
      'null',
      '7',
      '{}',
      '{"relay":1,"channels":[]}',
      '{"relay":"a","channels":[7]}',
      '{"relay":"a","channels":[["a b",1,1]]}',
      '{"relay":"a","channels":[["ab",-1,1]]}',
      '{"relay":"a","channels":[["ab",1]]}',
    ];
    for (const text of nonsense) expect(decodeDirectory(Buffer.from(text)), text).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeDirectory(bytes)));
  });
});

describe('subjects', () => {
  it('hold any channel id as one token, and tell it again', () => {
    const subjects = new Subjects('a.b');
    fc.assert(
      fc.property(ids, (id) => {
        const tokens = subjects.channel(id).split('.');
        expect(tokens.slice(0, 3)).toEqual(['a', 'b', 'channels']);
        expect(tokens).toHaveLength(4);
        expect(channelIdOfHex(tokens[3] ?? '')).toBe(id);
      }),
    );
    for (const token of ['', 'abc', 'zz', '20', 'ABCD']) {
      expect(channelIdOfHex(token), token).toBeUndefined();
    }
  });
});
