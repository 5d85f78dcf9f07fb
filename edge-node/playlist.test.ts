import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseM3U } from '@iptv/playlist';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ChannelId } from '../shared/ids.ts';
import { createLogger, LogLimiter } from '../shared/logger.ts';
import { streamToken, TOKEN_SECRET } from '../shared/testing/jwt.ts';
import { TokenVerifier } from '../shared/tokens/token-verifier.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';
import { ChannelNames } from './transports/http/channel-names.ts';
import { addListRoutes } from './transports/http/list-routes.ts';
import { playlist } from './transports/http/playlist.ts';

async function rigWithChannels(settings = {}): Promise<EdgeRig> {
  const rig = await EdgeRig.start(settings);
  for (const channel of ['zato02', 'zato01']) rig.source.send(new Feed(channel).make(1));
  await rig.eventually(() => rig.metric('channels')).toBe(2);
  return rig;
}

/** The list as a player's reader, which nobody here wrote, understands it. */
async function listOf(rig: EdgeRig, query: string) {
  const answer = await fetch(`${rig.watchOrigin}/playlist.m3u?${query}`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'audio/x-mpegurl; charset=utf-8',
  ]);
  return parseM3U(await answer.text()).channels;
}

async function channelsFile(channels: object[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streaming-names-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'channels.json');
  await writeFile(path, JSON.stringify(channels));
  return path;
}

describe('the playlist', () => {
  it('lists the channels that there are, with a URL that plays', async () => {
    const rig = await rigWithChannels();
    rig.store.registered.add('ü-1');
    const channels = await listOf(rig, 'user=%C3%BC-1');
    expect(channels.map(({ tvgId, extras, name }) => [tvgId, extras?.['tvg-chno'], name])).toEqual([
      ['zato01', '1', 'zato01'],
      ['zato02', '2', 'zato02'],
    ]);
    const player = await fetch(channels[0]!.url!);
    onTestFinished(() => player.body?.cancel());
    expect(player.status).toBe(200);
    await rig.eventually(() => rig.metric('users')).toBe(1);
  });

  it('names channels by the channels file, in its order, and goes with it when it changes', async () => {
    const path = await channelsFile([
      { id: 'zato02', name: 'Two, the "second"', group: 'News', inputs: ['udp://:1'] },
    ]);
    const rig = await rigWithChannels({ CHANNELS_FILE: path });
    const shown = async () =>
      (await listOf(rig, 'user=user-1')).map(({ tvgId, tvgName, groupTitle }) => [
        tvgId,
        tvgName,
        groupTitle,
      ]);
    expect(await shown()).toEqual([
      ['zato02', "Two, the 'second'", 'News'],
      ['zato01', 'zato01', undefined],
    ]);
    await writeFile(`${path}.new`, '[{"id":"zato01","name":"One","inputs":["udp://:1"]}]');
    await rename(`${path}.new`, path);
    await rig.eventually(shown).toEqual([
      ['zato01', 'One', undefined],
      ['zato02', 'zato02', undefined],
    ]);
  });

  it('is for who has the token, and lists what it is good for', async () => {
    const rig = await rigWithChannels({ STREAM_TOKEN_SECRETS: TOKEN_SECRET });
    const token = streamToken({ sub: 'user-1', channels: ['zato02'] });
    const [channel, ...others] = await listOf(rig, `user=user-1&token=${token}`);
    expect([channel?.tvgId, others]).toEqual(['zato02', []]);
    expect(new URL(channel!.url!).searchParams.get('token')).toBe(token);
    for (const query of ['user=user-1', `user=user-2&token=${token}`, 'user=user-1&token=x']) {
      const answer = await fetch(`${rig.watchOrigin}/playlist.m3u?${query}`);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        401,
        'bad_token',
      ]);
    }
    for (const cause of ['missing', 'invalid', 'other_user']) {
      expect(await rig.metric('lists_refused_total', cause)).toBe(1);
    }
    expect(rig.lines.join('')).toContain('list of channels refused, bad_token');
    expect(rig.lines.join('')).not.toContain(token);
  });

  it.each(['/playlist.m3u', '/playlist.m3u8', '/channels'])(
    'at %s answers HEAD as GET, without the body',
    async (path) => {
      const rig = await rigWithChannels({ STREAM_TOKEN_SECRETS: TOKEN_SECRET });
      const token = streamToken({ sub: 'user-1' });
      const ask = async (method: string, query: string) => {
        const answer = await fetch(`${rig.watchOrigin}${path}?${query}`, { method });
        const names = ['content-type', 'content-length', 'cache-control'];
        return {
          head: [answer.status, ...names.map((name) => answer.headers.get(name))],
          body: await answer.text(),
        };
      };
      const got = await ask('GET', `user=user-1&token=${token}`);
      expect(got.head[0]).toBe(200);
      expect(await ask('HEAD', `user=user-1&token=${token}`)).toEqual({ ...got, body: '' });
      expect((await ask('HEAD', 'user=user-1')).head[0]).toBe(401);
    },
  );

  it('has URLs where the operator says that players come in', async () => {
    const rig = await rigWithChannels({ WATCH_PUBLIC_URL: 'https://tv.example/' });
    const [channel] = await listOf(rig, 'user=user-1');
    expect(channel?.url).toBe('https://tv.example/watch/zato01.ts?user=user-1');
  });

  it.each([
    ['no user', '/playlist.m3u', 'edge', 'bad_user_id'],
    ['a host that would end in another URL', '/playlist.m3u?user=a', 'x/../y', 'bad_request'],
  ])('is refused with %s', async (_, target, host, code) => {
    const rig = await EdgeRig.start();
    const player = rig.connectHttp(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await rig.eventually(() => player.text).toMatch(new RegExp(`^HTTP/1.1 400 .*"${code}"`, 's'));
  });

  it('is made for one player in each turn of the event loop, however many ask at once', async () => {
    const app = fastify();
    onTestFinished(() => app.close());
    let turn = 0;
    const turned = () => {
      turn += 1;
      counting = setImmediate(turned);
    };
    let counting = setImmediate(turned);
    onTestFinished(() => clearImmediate(counting));
    const turns: number[] = [];
    addListRoutes(app, {
      names: new ChannelNames('', new LogLimiter(createLogger('fatal', 'edge'))),
      present: () => {
        turns.push(turn);
        return [];
      },
      tokens: new TokenVerifier([], []),
      publicUrl: 'http://edge',
      isSecure: false,
      record: { listRefused: () => {} },
    });
    const asked = ['/playlist.m3u', '/channels', '/playlist.m3u', '/channels'].map((path) =>
      app.inject(`${path}?user=user-1`),
    );
    for (const { statusCode } of await Promise.all(asked)) expect(statusCode).toBe(200);
    expect(new Set(turns).size).toBe(asked.length);
  });

  it('keeps an entry to its lines, whatever its name holds', () => {
    const listed = {
      id: 'a&b?#' as ChannelId,
      name: 'A\r\n#EXTINF:-1,B\nhttp://evil/',
      group: '"',
      logo: '',
    };
    const text = playlist([listed], { base: 'http://h', user: 'u', token: undefined });
    expect(text.split('\n')).toHaveLength(4);
    expect(text).toContain('\nhttp://h/watch/a%26b%3F%23.ts?user=u\n');
  });
});
