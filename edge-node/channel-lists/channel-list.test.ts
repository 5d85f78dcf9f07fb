import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CHANNELS_FILE_POLL_MS } from '../../shared/limits.ts';
import { LogLimiter } from '../../shared/logger.ts';
import { readArguments, readChannelList } from './channel-list.ts';
import { ChannelsFile } from './channels-file.ts';
import { readM3u } from './m3u.ts';

const WAIT = { timeout: 20_000, interval: 1 };

const list = (text: string, groups: string[] = []) =>
  readChannelList({ text, folder: '/lists', groups });

it('a list that is a stream itself is none, and a byte of value 0 is refused before anything is opened', () => {
  expect(() => list('G@\0\x10\0\n')).toThrow(/^this is no text; a stream itself is named as/);
  const inputs = ['a\0.ts', 'srt://h.example:9\0', 'file:///a%00.ts'].map((input) => [input]);
  const entries = inputs.map((of, index) => ({ id: `${index}`, inputs: of }));
  const { channels, problems } = list(JSON.stringify(entries));
  expect(channels).toEqual([]);
  expect(problems.map((problem) => problem.endsWith('cannot hold a byte of value 0'))).toEqual([
    ...[true, true, true],
  ]);
});

describe('an M3U list', () => {
  it('is read with byte order mark, CR LF, quotes of any kind and commas in quotes and names', () => {
    const entries = readM3u(
      [
        '\uFEFF#EXTM3U url-tvg="http://guide.example/x,y.xml"',
        '#EXTINF:-1 tvg-id="one.example" group-title="News, local",One, the first',
        'http://host.example/1',
        '',
        "#EXTINF:0 tvg-id='two' tvg-logo=http://logo.example/2.png group-title='Sport',Two",
        '#KODIPROP:inputstream=whatever',
        'http://host.example/2',
        '#EXTINF:-1,Three',
        '#EXTGRP:Films',
        'udp://@239.1.1.1:1234',
      ].join('\r\n'),
    );
    expect(entries.map(({ line, name, group, url }) => [line, name, group, url])).toEqual([
      [3, 'One, the first', 'News, local', 'http://host.example/1'],
      [7, 'Two', 'Sport', 'http://host.example/2'],
      [10, 'Three', 'Films', 'udp://@239.1.1.1:1234'],
    ]);
    expect(entries[1]?.attributes.get('tvg-logo')).toBe('http://logo.example/2.png');
  });

  it('keeps an entry whose quotes do not close to itself', () => {
    const names = readM3u(
      [
        '#EXTINF:-1 tvg-name="open, One',
        'http://host.example/1',
        `#EXTINF:-1 tvg-name=O'Neill group-title='It's, here',Two`,
        'http://host.example/2',
      ].join('\n'),
    ).map(({ name }) => name);
    expect(names.length).toBe(2);
    expect(names[0]).toBe('One');
    expect(names[1]).toMatch(/Two$/);
  });

  it('takes HTTP headers behind a bar and from the options of VLC', () => {
    const { channels } = list(
      [
        '#EXTINF:-1,One',
        'http://host.example/1|User-Agent=My%20Player&Referer=http://page.example/?a=b',
        '#EXTINF:-1,Two',
        '#EXTVLCOPT:http-user-agent=Other Player/1.0 (x)',
        '#EXTVLCOPT:http-referrer=http://page.example/',
        'http://host.example/2',
      ].join('\n'),
    );
    expect(channels.map(({ inputs }) => 'headers' in inputs[0] && inputs[0].headers)).toEqual([
      { 'User-Agent': 'My Player', Referer: 'http://page.example/?a=b' },
      { 'User-Agent': 'Other Player/1.0 (x)', Referer: 'http://page.example/' },
    ]);
  });

  it('finds relative files beside itself', () => {
    const { channels } = list('#EXTINF:-1,A film\nfilms/one.ts?loop');
    expect(channels[0]?.inputs[0]).toEqual({
      kind: 'file',
      path: '/lists/films/one.ts',
      loop: true,
      label: 'films/one.ts',
    });
  });

  it('gives ids that stay: the given one, else one of the tvg-id, else one of the URL', () => {
    const ids = (text: string) => list(text).channels.map(({ id }) => id);
    expect(ids('#EXTINF:-1 channel-id="zato07",X\nhttp://h.example/1')).toEqual(['zato07']);
    const [byTvgId] = ids('#EXTINF:-1 tvg-id="x.example",X\nhttp://h.example/1');
    expect(ids('#EXTINF:-1 tvg-id="x.example",Y\nhttp://h.example/2')).toEqual([byTvgId]);
    expect(byTvgId).toMatch(/^[\da-z]{6}$/);
    const [byUrl] = ids('#EXTINF:-1,X\nhttp://h.example/1');
    expect(ids('http://h.example/1')).toEqual([byUrl]);
    expect(byUrl).not.toBe(byTvgId);
  });

  it('ignores what is wrong and what collides, each with a line, and plays the rest', () => {
    const { channels, problems } = list(
      [
        '#EXTINF:-1 channel-id="same",One\nhttp://h.example/1',
        '#EXTINF:-1 channel-id="same",Two\nhttp://h.example/2',
        '#EXTINF:-1 channel-id="much too long",Three\nhttp://h.example/3',
        '#EXTINF:-1,Four\ngopher://h.example/4',
        '#EXTINF:-1,Five\n-',
        '#EXTINF:-1 channel-id="last",Six\nhttp://h.example/6',
      ].join('\n'),
    );
    expect(channels.map(({ name }) => name)).toEqual(['One', 'Six']);
    expect(problems).toEqual([
      'line 4, "Two": the id "same" is already used by "One"',
      'line 6, "Three": "much too long" is not a channel id, which is 1 to 6 ASCII characters without spaces',
      'line 8, "Four": gopher:// is not supported; inputs are a path, or URLs of udp, rtp, http, https, file, srt, rtmp, rtmps, rtmpt, rtsp, rtsps, rist',
      'line 10, "Five": an input of a list cannot be standard input',
    ]);
  });

  it('is cut down to the groups asked for', () => {
    const text = ['News', 'Sport', 'Films']
      .map((group) => `#EXTINF:-1 group-title="${group}",${group}\nhttp://h.example/${group}`)
      .join('\n');
    expect(list(text, ['News', 'Films']).channels.map(({ name }) => name)).toEqual([
      'News',
      'Films',
    ]);
  });

  it('is not the playlist of a single HLS stream', () => {
    expect(() => list('#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\npart1.ts')).toThrow(
      'playlist of one HLS stream',
    );
  });

  it('never throws but for its form, and never makes more channels than lines, whatever it holds', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '#EXTINF:',
        '-1 ',
        'tvg-id="',
        "'",
        '"',
        ',',
        '\n',
        '\r\n',
        '|',
        'udp://',
        '[',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = `#EXTM3U\n${pieces.join('')}`;
        if (/^#EXT-X-/m.test(text)) return;
        const { channels, problems } = list(text);
        expect(channels.length + problems.length).toBeLessThanOrEqual(
          text.split(/\r\n|\n|\r/).length,
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('a list in JSON', () => {
  it('names channels with several inputs', () => {
    const { channels, problems } = list(
      JSON.stringify([
        { id: 'zato01', name: 'One', group: 'News', inputs: ['udp://@239.1.1.1:1234', 'b.ts'] },
        { id: 'zato02', inputs: [] },
        { id: 'zato03', inputs: [7] },
        'nothing',
      ]),
    );
    expect(channels.map(({ id, name, inputs }) => [id, name, inputs.length])).toEqual([
      ['zato01', 'One', 2],
    ]);
    expect(problems.map((line) => line.split(':')[0])).toEqual([
      'channel 2',
      'channel 3',
      'channel 4',
    ]);
  });

  it('that is none says so', () => {
    expect(() => list('[{')).toThrow(/^the list is not valid JSON/);
    expect(() => list('[{"id":"a","inputs":["http://u:secret@h/"]x')).toThrow(/^(?!.*secret)/);
    expect(() => list('{"a":1}')).toThrow('a JSON array of channels');
  });
});

describe('inputs on the command line', () => {
  const only = (input: string) => readArguments([`zato01=${input}`])[0]?.inputs[0];

  it('are datagrams of an address, a group, one source of a group, on an interface, IPv6 too', () => {
    const datagram = (input: string) => {
      const { kind, label, ...rest } = only(input) ?? { kind: '', label: '' };
      return { kind, ...rest };
    };
    const kind = 'datagram';
    expect(datagram('udp://@239.1.1.1:1234')).toEqual({ kind, address: '239.1.1.1', port: 1234 });
    expect(datagram('udp://:1234')).toEqual({ kind, port: 1234 });
    expect(datagram('rtp://10.0.0.9@232.1.1.1:5004/?iface=eth0')).toEqual({
      ...{ kind, address: '232.1.1.1', port: 5004, source: '10.0.0.9', iface: 'eth0' },
    });
    expect(datagram('udp://[fe80::1]@[ff3e::4321]:1234?program=7')).toEqual({
      ...{ kind, address: 'ff3e::4321', port: 1234, source: 'fe80::1', program: 7 },
    });
    for (const bad of ['udp://239.1.1.1', 'udp://a b:1', 'udp://:70000', 'udp://x@239.1.1.1:1']) {
      expect(() => only(bad)).toThrow(bad);
    }
  });

  it('pass on what is not ours, and keep program numbers of HTTP behind #', () => {
    expect(
      only('srt://h.example:9000?mode=caller&program=2&passphrase=secretsecret'),
    ).toMatchObject({
      ...{ kind: 'child', program: 2, label: 'srt://h.example:9000/…' },
      url: 'srt://h.example:9000?mode=caller&passphrase=secretsecret',
    });
    expect(only('http://u:p@h.example/live/u/p/1.ts?program=3#program=2')).toMatchObject({
      ...{ kind: 'http', program: 2, label: 'http://h.example/…' },
      url: 'http://u:p@h.example/live/u/p/1.ts?program=3',
    });
    expect(only('https://h.example/master.m3u8?token=x')).toMatchObject({ kind: 'child' });
    expect(only('-')).toEqual({ kind: 'stdin', label: 'standard input' });
  });

  it('add up where a channel is named again', () => {
    const [channel, ...others] = readArguments(['a=udp://:1', 'a=udp://:2', 'b=film.ts']);
    expect([channel?.inputs.length, others.length]).toEqual([2, 1]);
    expect(() => readArguments(['film.ts'])).toThrow('"film.ts" is not of the form channel=input');
    expect(() => readArguments(['toolong7=film.ts'])).toThrow('"toolong7" is not a channel id');
    expect(() => readArguments(['a=-', 'b=-'])).toThrow('only one input can be standard input');
  });

  it('never tell a secret when they are wrong', () => {
    expect(() => only('http://user:secret@[bad/')).toThrow(/^(?!.*secret)/);
  });
});

it('a list on disk is read again when it is another file, and not before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-list-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'list.m3u');
  await writeFile(path, '#EXTINF:-1 channel-id="a" group-title="X",A\nhttp://h.example/a');
  const file = new ChannelsFile(`${path}?group=X`);
  expect((await file.read()).channels.map(({ id }) => id)).toEqual(['a']);
  expect(await file.readIfChanged()).toBeUndefined();

  await writeFile(`${path}.new`, '#EXTINF:-1 channel-id="b" group-title="X",B\nhttp://h.example/b');
  await rename(`${path}.new`, path);
  expect((await file.readIfChanged())?.channels.map(({ id }) => id)).toEqual(['b']);
  await rm(path);
  expect(await file.readIfChanged()).toBeUndefined();
  await expect(new ChannelsFile('/nowhere/list.m3u').read()).rejects.toThrow('/nowhere/list.m3u: ');
});

it('a list that is still being read when nobody follows it any more changes nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-list-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'list.m3u');
  await writeFile(path, '#EXTINF:-1 channel-id="a",A\nhttp://h.example/a');
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const file = new ChannelsFile(path);
  const read = vi.spyOn(file, 'read');
  const changed = vi.fn();
  file.follow(changed, new LogLimiter(pino({ level: 'silent' })));
  vi.advanceTimersByTime(CHANNELS_FILE_POLL_MS);
  await vi.waitFor(() => expect(read).toHaveBeenCalled(), WAIT);
  file.stop();
  await read.mock.results[0]?.value;
  await turn();
  expect(changed).not.toHaveBeenCalled();
});
