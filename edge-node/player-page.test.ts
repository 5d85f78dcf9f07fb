import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../shared/config.ts';
import { HttpError } from '../shared/errors.ts';
import { addWebPage } from '../shared/http/web-page.ts';
import { streamToken, TOKEN_SECRET } from '../shared/testing/jwt.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';

/** A server of the page alone, made of these files. */
async function pageOf(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'streaming-page-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const app = fastify();
  onTestFinished(() => app.close());
  await addWebPage(app, 'player', folder);
  return app;
}

describe('the player page', () => {
  const files = { 'index.html': '<h1>', 'player.js': 'js', 'player.css': 'css' };

  it('is served with a policy that lets nothing in from elsewhere', async () => {
    const app = await pageOf(files);
    const { body, headers } = await app.inject('/');
    expect(body).toBe('<h1>');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  it('is sent again only where it has changed, and zipped to whom takes that', async () => {
    const app = await pageOf(files);
    const zipped = await app.inject({ url: '/player.js', headers: { 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    const { etag } = zipped.headers;
    const again = await app.inject({ url: '/player.js', headers: { 'if-none-match': etag } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    expect((await app.inject({ method: 'HEAD', url: '/player.css' })).statusCode).toBe(200);
  });

  it('says how to make it where it was never made', async () => {
    const app = await pageOf({});
    const { statusCode, body } = await app.inject('/');
    expect([statusCode, JSON.parse(body).message]).toEqual([
      404,
      new HttpError('page_not_built').message,
    ]);
  });
});

describe('registering from the page', () => {
  it('is offered where it is open, and registers', async () => {
    const rig = await EdgeRig.start({ WATCH_REGISTER: 'open' });
    const told = await fetch(`${rig.watchOrigin}/player.json`);
    expect(await told.json()).toEqual({ registration: 'open' });
    const register = (body: string) =>
      fetch(`${rig.watchOrigin}/register`, { method: 'POST', body });
    expect((await register('new-viewer\n')).status).toBe(200);
    expect([...rig.store.registered]).toEqual(['new-viewer']);
    expect(await (await register('a b')).json()).toMatchObject({ code: 'bad_user_id' });
    rig.store.mode = 'failing';
    expect(await (await register('another')).json()).toMatchObject({ code: 'store_unavailable' });
  });

  it('is neither offered nor done by default, nor beside API keys', async () => {
    const rig = await EdgeRig.start();
    const told = await fetch(`${rig.watchOrigin}/player.json`);
    expect(await told.json()).toEqual({ registration: 'closed' });
    const answer = await fetch(`${rig.watchOrigin}/register`, { method: 'POST', body: 'user-1' });
    expect([answer.status, [...rig.store.registered]]).toEqual([404, []]);
    const both = { WATCH_REGISTER: 'open', API_KEYS: 'k'.repeat(32) };
    expect(() => loadConfig(both)).toThrow(/^WATCH_REGISTER must be closed/);
  });
});

describe('the list of channels', () => {
  async function rigWithChannel(settings = {}) {
    const rig = await EdgeRig.start(settings);
    rig.source.send(new Feed('zato01').make(1));
    await rig.eventually(() => rig.metric('channels')).toBe(1);
    const ask = async (query: string, authorization = '') => {
      const headers = authorization === '' ? {} : { authorization };
      const answer = await fetch(`${rig.watchOrigin}/channels?${query}`, { headers });
      return [answer.status, await answer.json()];
    };
    return { rig, ask };
  }

  it('names those of the channels file, and tells which are there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'streaming-names-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'channels.json');
    await writeFile(path, '[{"id":"zato02","name":"Two","group":"News","inputs":["udp://:1"]}]');
    const { ask } = await rigWithChannel({ CHANNELS_FILE: path });
    const channels = [
      { id: 'zato02', name: 'Two', group: 'News', live: false },
      { id: 'zato01', name: 'zato01', group: '', live: true },
    ];
    expect(await ask('user=user-1')).toEqual([200, { channels }]);
    expect(await ask('')).toMatchObject([400, { code: 'bad_user_id' }]);
  });

  it('is for who has the token, in a header too', async () => {
    const { ask } = await rigWithChannel({ STREAM_TOKEN_SECRETS: TOKEN_SECRET });
    expect(await ask('user=user-1')).toMatchObject([401, { code: 'bad_token' }]);
    const token = streamToken({ sub: 'user-1', channels: ['zato02'] });
    expect(await ask('user=user-1', `Bearer ${token}`)).toEqual([200, { channels: [] }]);
    expect(await ask('user=user-2', `Bearer ${token}`)).toMatchObject([401, { code: 'bad_token' }]);
  });
});
