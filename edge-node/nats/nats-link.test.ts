import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NATS_PROGRAM, startNats } from '../../infra/local/test-nats.ts';
import { systemClock } from '../../shared/clock.ts';
import { loadConfig } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import { LogLimiter } from '../../shared/logger.ts';
import { NatsLink } from './nats-link.ts';

const WAIT_MS = 20_000;
/** Made for 127.0.0.1 and these tests alone; it signs itself. */
const CERTIFICATE = join(import.meta.dirname, 'testing/loopback.pem');
const KEY = join(import.meta.dirname, 'testing/loopback-key.pem');

function linkTo(settings: Readonly<Record<string, string>>) {
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const parts = { name: 'test', clock: systemClock(), logger, limiter: new LogLimiter(logger) };
  const link = NatsLink.of(loadConfig(settings), parts);
  onTestFinished(() => link.stop());
  return { link, lines };
}

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: WAIT_MS, interval: 10 });

describe.skipIf(NATS_PROGRAM === undefined)('a connection to NATS', () => {
  it('is made to another server when its own stands still and says nothing', async () => {
    const nats = await startNats(2);
    const { link } = linkTo({ NATS_URL: nats.urls });
    await link.start(WAIT_MS);
    const heard: string[] = [];
    link.listen('a', ({ data }) => heard.push(Buffer.from(data).toString()));
    const nameOf = () => (link.state.kind === 'connected' ? link.state.server : link.state.kind);
    const first = nameOf();
    const own = nats.servers[Number(/^n(\d)/.exec(first)?.[1])];
    own?.pause();
    onTestFinished(() => own?.resume());
    await eventually(() => link.connections).toBe(2);
    expect(nameOf()).not.toBe(first);
    link.publish('a', Buffer.from('still there'));
    await eventually(() => heard).toEqual(['still there']);
  });

  it('is tried for ever where nobody is, and said to be away, while what is published goes nowhere', async () => {
    const nats = await startNats();
    await nats.stop();
    const { link, lines } = linkTo({ NATS_URL: nats.urls });
    await link.start(100);
    expect(link.publish('a', Buffer.alloc(1))).toBe(false);
    await expect(link.confirmed()).rejects.toThrow('no connection');
    await eventually(
      () => lines.filter((line) => line.includes('no connection to NATS')).length,
    ).toBeGreaterThan(0);
    expect(['waiting', 'connecting']).toContain(link.state.kind);
  });

  it('is made by TLS with the authority that NATS_TLS_CA names, and with no other', async () => {
    const nats = await startNats(1, {
      configuration: [`tls { cert_file: "${CERTIFICATE}", key_file: "${KEY}" }`],
    });
    const url = nats.urls.replace('nats://', 'tls://');
    const { link } = linkTo({ NATS_URL: url, NATS_TLS_CA: CERTIFICATE });
    await link.start(WAIT_MS);
    expect(link.isConnected).toBe(true);
    const stranger = linkTo({ NATS_URL: url });
    await stranger.link.start(WAIT_MS);
    expect(stranger.link.state).toMatchObject({ kind: 'waiting' });
  });

  it.each(['NATS_CREDS_FILE', 'NATS_TLS_CA'])(
    'is not begun with a %s that cannot be read',
    async (name) => {
      const nats = await startNats();
      const { link } = linkTo({ NATS_URL: nats.urls, [name]: '/nowhere/file' });
      const start = link.start(WAIT_MS);
      await expect(start).rejects.toThrow(ConfigError);
      await expect(start).rejects.toThrow(name);
    },
  );
});

describe('NATS_URL', () => {
  it.each(['nats://a:4222', 'a', 'tls://a.b:1, nats://[::1]:4222'])('may be %s', (url) => {
    expect(loadConfig({ NATS_URL: url }).NATS_URL.length).toBeGreaterThan(0);
  });

  it.each(['http://a', 'nats://user:secret@a', 'a:b', ','])('may not be %s', (url) => {
    expect(() => loadConfig({ NATS_URL: url })).toThrow(ConfigError);
  });
});
