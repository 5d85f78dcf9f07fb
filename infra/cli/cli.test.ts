import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EdgeRig } from '../../edge-node/testing/edge-rig.ts';
import { Feed } from '../../edge-node/testing/feed.ts';
import { startHttpService } from '../../functions/http-service.ts';
import { loadConfig, type SettingName } from '../../shared/config.ts';
import type { ChannelId, UserId, WriterId } from '../../shared/ids.ts';
import { minuteOf } from '../../shared/ids.ts';
import { createLogger } from '../../shared/logger.ts';
import { TOKEN_SECRET } from '../../shared/testing/jwt.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { TokenVerifier } from '../../shared/tokens/token-verifier.ts';
import { freePorts } from '../local/free-ports.ts';
import { cli } from './testing/run-cli.ts';

const API_KEY = 'an-api-key-of-at-least-thirty-two-bytes';

async function functions(settings: Partial<Record<SettingName, string>> = {}) {
  const store = new MemoryStore();
  const config = loadConfig({ SERVER_PORT: '0', SERVER_DRAIN_MS: '0', ...settings });
  const logger = createLogger('fatal', 'functions');
  const service = await startHttpService({ config, store, logger, droppedLogLines: () => 0 });
  onTestFinished(() => service.stop());
  return { store, origin: service.origin };
}

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const watching = (user: string, channelId: string, deliveredMs: number) => ({
  userId: user as UserId,
  minute: minuteOf(Date.now()),
  channelId: channelId as ChannelId,
  writerId: 'writer' as WriterId,
  deliveredMs,
  final: false,
});

describe('wrong usage ends with 2 and says what is wrong', () => {
  it.each([
    ['no command', [], /^Usage: streaming/],
    ['no such command', ['regsiter'], /unknown command 'regsiter'/],
    ['no such option', ['channels', '--jsno'], /unknown option '--jsno'/],
    ['a user that is no id', ['register', 'a b'], /^error: .*A user id has 1 to 128 bytes/],
    ['a channel that is no id', ['watch', 'user-1', 'a b'], /A channel id is printable ASCII/],
    ['a time without its unit', ['token', 'user-1', '--ttl', '24'], /such as 90s, 15m, 24h or 7d/],
    ['a place without a port', ['watch', 'user-1', 'a', '--at', 'edge'], /An address is host:port/],
    ['no origin', ['channels', '--at', 'ftp://edge'], /An origin is a URL such as http/],
    [
      'two things at standard output',
      ['watch', 'user-1', 'a', '--json', '-o', '-'],
      /would both go/,
    ],
  ])('%s', async (_, args, said) => {
    const { code, out, err } = await cli(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(said);
  });

  it('a setting that cannot be read, without the value of a secret', async () => {
    const env = { STREAM_TOKEN_SECRETS: 'short' };
    const { code, err } = await cli(['token', 'user-1', '--ttl', '1h'], env);
    expect(code).toBe(2);
    expect(err).toMatch(/^error: STREAM_TOKEN_SECRETS must be .*\n$/);
    expect(err).not.toContain('short');
  });
});

describe('register and usage', () => {
  it('go by the settings, and tell seconds with the most watched first', async () => {
    const { store, origin } = await functions();
    const env = { SERVER_HOST: '0.0.0.0', SERVER_PORT: new URL(origin).port };
    const registered = await cli(['register', 'käthe'], env);
    expect(registered).toEqual({ code: 0, out: 'käthe is registered\n', err: '' });
    expect([...store.registered]).toEqual(['käthe']);

    const none = await cli(['usage', 'käthe'], env);
    expect(none.out).toBe('käthe watched nothing in the last 24 hours\n');
    await store.saveUsage([
      watching('käthe', 'zato01', 5_000),
      watching('käthe', 'zato02', 70_000),
    ]);
    const { out } = await cli(['usage', 'käthe'], env);
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/).slice(0, 3));
    expect(rows.slice(0, 5)).toEqual([
      ['CHANNEL', 'SECONDS', 'H:MM:SS'],
      ['zato02', '70', '0:01:10'],
      ['zato01', '5', '0:00:05'],
      ['total', '75', '0:01:15'],
      [''],
    ]);
    expect(rows[5]).toEqual(['HOUR', 'FROM', 'SECONDS']);
    // The minute that began before the hour did may be in it, and the other not.
    const ofHours = rows.slice(6).map(([, , seconds]) => Number(seconds));
    expect(ofHours.reduce((sum, seconds) => sum + seconds, 0)).toBe(75);
    const raw = await cli(['usage', 'käthe', '--json', '--at', `${origin}/`]);
    expect(raw.out).toMatch(/^{"sessions":{"zato01":5,"zato02":70},"hours":\[.*\]}\n$/);
  });

  it('take a key or a token from the environment, and never print it', async () => {
    const { store, origin } = await functions({
      API_KEYS: API_KEY,
      STREAM_TOKEN_SECRETS: TOKEN_SECRET,
    });
    const refused = await cli(['register', 'user-1', '--at', origin]);
    const text = 'error: refused with 401 bad_token: this token is not good for that\n';
    expect(refused).toEqual({ code: 1, out: '', err: text });
    const wrong = await cli(['register', 'user-1', '--at', origin], { API_KEY: `${API_KEY}x` });
    expect(wrong.err).toBe(text);
    const allowed = await cli(['register', 'user-1', '--at', origin], { API_KEY });
    expect(allowed.code).toBe(0);
    expect((await cli(['unregister', 'user-1', '--at', origin])).err).toBe(text);
    expect(store.registered.has('user-1')).toBe(true);
    const gone = await cli(['unregister', 'user-1', '--at', origin], { API_KEY });
    expect(gone.out).toBe('user-1 is not registered any more, and has no usage\n');
    expect(store.registered.has('user-1')).toBe(false);
    const secrets = { STREAM_TOKEN_SECRETS: TOKEN_SECRET };
    const { out } = await cli(['token', 'user-1', '--ttl', '1h'], secrets);
    const env = { STREAM_TOKEN: out.trim() };
    expect((await cli(['usage', 'user-1', '--at', origin], env)).code).toBe(0);
    expect((await cli(['usage', 'user-2', '--at', origin], env)).err).toBe(text);
  });

  it('tell in one line where nobody answers, or somebody else does', async () => {
    const [port] = await freePorts(1);
    const at = `http://127.0.0.1:${port}`;
    const away = await cli(['register', 'user-1', '--at', at]);
    expect(away.code).toBe(1);
    expect(away.err).toMatch(/^error: http:\S+ does not answer: connect ECONNREFUSED .*\n$/);
    const page = createHttpServer((_request, response) => response.end('<html>'));
    const other = `http://127.0.0.1:${await portOf(page)}`;
    const strange = await cli(['usage', 'user-1', '--at', other]);
    expect(strange.code).toBe(1);
    expect(strange.err).toMatch(/^error: http:\S+ is no part of this service: .*\n$/);
    const silent = createServer((socket) => void socket.on('error', () => {}).end('SSH-2.0\r\n'));
    const ssh = await cli(['channels', '--at', `127.0.0.1:${await portOf(silent)}`]);
    expect(ssh.code).toBe(1);
    expect(ssh.err).toMatch(/^error: http:\S+ does not answer: .+\n$/);
  });
});

describe('token', () => {
  it('is signed by the first secret, ends in time, and is good for what it names', async () => {
    const env = { STREAM_TOKEN_SECRETS: `${TOKEN_SECRET},${API_KEY}` };
    const args = ['token', 'user-1', '--ttl', '24h', '--channels', 'zato01,zato02', '--json'];
    const { token, expires } = JSON.parse((await cli(args, env)).out);
    expect(new TokenVerifier([TOKEN_SECRET], []).verify(token)).toEqual({
      userId: 'user-1',
      channels: new Set(['zato01', 'zato02']),
    });
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    expect(Date.parse(expires)).toBe(exp * 1000);
    expect(Math.abs(exp - Date.now() / 1000 - 86_400)).toBeLessThan(600);
  });

  it('needs a secret, and no more channels than a line has room for', async () => {
    const without = await cli(['token', 'user-1', '--ttl', '1h']);
    expect(without.code).toBe(1);
    expect(without.err).toMatch(/^error: STREAM_TOKEN_SECRETS is not set: .*\n$/);
    const ids = Array.from({ length: 200 }, (_, i) => `zato${i}`).join();
    const env = { STREAM_TOKEN_SECRETS: TOKEN_SECRET };
    const large = await cli(['token', 'user-1', '--ttl', '1h', '--channels', ids], env);
    expect(large).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/name fewer\n$/) });
  });
});

describe('channels and top', () => {
  it('show the token of operators, where one is asked for', async () => {
    const ADMIN_TOKEN = 'an-operators-token-of-enough-bytes';
    const rig = await EdgeRig.start({ ADMIN_TOKEN });
    const without = await cli(['channels', '--at', rig.origin]);
    expect([without.code, without.err]).toEqual([1, expect.stringContaining('operators_only')]);
    const env = { ADMIN_TOKEN: `${ADMIN_TOKEN},another-token-that-is-good-as-well` };
    expect((await cli(['channels', '--at', rig.origin], env)).code).toBe(0);
  });

  it('show what /status says, and what others chose without their control characters', async () => {
    const rig = await EdgeRig.start();
    const none = await cli(['channels', '--at', rig.origin]);
    expect(none.out).toBe('no channel has come yet: the source is connected\n');
    const user = await rig.watch('evil\u202euser', 'zato01');
    await rig.deliver(new Feed('zato01').make(30), user);
    const { code, out } = await cli(['channels', '--at', rig.origin]);
    const [titles = '', row = ''] = out.split('\n');
    expect([code, titles.split(/ +/)]).toEqual([
      0,
      ['CHANNEL', 'PACKETS/S', 'S/S', 'WATCHERS', 'RECEIVED', 'LOST', 'LATE'],
    ]);
    expect(row).toMatch(/^zato01 +\d+\.\d +– +1 +30 +0 +0/);
    const list = JSON.parse((await cli(['channels', '--at', rig.origin, '--json'])).out);
    expect(list).toMatchObject([{ channel: 'zato01', received: 30, watchers: 1 }]);

    const once = await cli(['top', '--at', rig.origin]);
    expect(once.code).toBe(0);
    expect(once.out).toMatch(/accepting {3}1 user {3}0 waiting {3}1 channel\n/);
    expect(once.out).toMatch(/^evil\ufffduser +zato01 +0:00:\d\d +0:00:00 +0 +0$/m);
    expect(once.out).not.toContain('\x1b');
    const raw = JSON.parse((await cli(['top', '--at', rig.origin, '--json'])).out);
    expect(raw).toMatchObject({ accepting: true, usersTotal: 1 });
  });

  it('say so where another part of the service is asked', async () => {
    const { origin } = await functions();
    const { code, err } = await cli(['channels', '--at', origin]);
    expect([code, err]).toEqual([1, 'error: refused with 404 not_found: no such path\n']);
  });
});
