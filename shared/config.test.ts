import { describe, expect, it } from 'vitest';
import { addressOf, nameOf } from './config/addresses.ts';
import { loadConfig } from './config.ts';
import { ConfigError } from './errors.ts';

describe('settings', () => {
  it('have defaults that fit each other', () => {
    const config = loadConfig({});
    expect(config.SERVER_PORT).toBe(8080);
    expect(config.REORDER_MAX_BYTES).toBe(4 * 1024 * 1024);
    expect(config.START_AT).toBe('live');
  });

  it('that are empty count as unset: compose passes them so', () => {
    expect(loadConfig({ STREAM_PORT: '' }).STREAM_PORT).toBe(9111);
  });

  it('that are secret are shown to nobody, not even where they are wrong', () => {
    const load = () => loadConfig({ STREAM_TOKEN_SECRETS: 'short but secret' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(
      /^STREAM_TOKEN_SECRETS must be secrets of 32 bytes or more.*, not the present value \(hidden\)$/,
    );
    expect(load).not.toThrow(/short but secret/);
  });

  it.each([
    ['STREAM_PORT', '99999'],
    ['STREAM_PORT', '-1'],
    ['STREAM_PORT', '9111x'],
    ['PACKET_BATCH_SIZE', '0'],
    ['PACKET_BATCH_SIZE', '1e1'],
    ['CHANNEL_LOG_BYTES', '8 MB'],
    ['CHANNEL_LOG_BYTES', '1'],
    ['STORE', 'mysql'],
    ['DB_NODES', 'db-1,,db-2'],
    ['DB_NODES', 'db-1:port'],
    ['DB_NAME', 'x; DROP'],
    ['DB_DATACENTER', "dc'1"],
    ['DYNAMODB_TABLE_PREFIX', 'a/b'],
    ['START_AT', 'LIVE'],
    ['LOG_LEVEL', 'loud'],
    ['CHANNEL_SOURCE_HOST', '[::1'],
    ['CHANNEL_SOURCE_HOST', '[source]'],
    ['CHANNEL_SOURCE_HOST', 'a,b,a'],
    ['CHANNEL_SOURCE_HOST', 'a:0'],
    ['CHANNEL_SOURCE_HOST', 'a:65536'],
    ['CHANNEL_SOURCE_HOST', '1,2,3,4,5,6,7,8,9'],
    ['CHANNEL_SOURCE_MODE', 'both'],
    ['STREAM_HOST', '127.0.0.1:9111'],
    ['SERVER_METRICS_HOST', '127.0.0.1:9115'],
    ['GATEWAY_HOST', '127.0.0.1:9110'],
  ])('that are bad stop the start with one line that names %s (%s)', (name, value) => {
    const start = () => loadConfig({ [name]: value });
    expect(start).toThrow(ConfigError);
    expect(start).toThrow(new RegExp(`^${name} must be [^\n]+$`));
  });

  it('have other defaults where the store needs them, and what is set still counts', () => {
    expect(loadConfig({}).USAGE_FLUSH_MS).toBe(5_000);
    expect(loadConfig({ STORE: 'dynamodb' }).USAGE_FLUSH_MS).toBe(60_000);
    expect(loadConfig({ STORE: 'dynamodb', USAGE_FLUSH_MS: '2000' }).USAGE_FLUSH_MS).toBe(2_000);
  });

  it('take an IPv6 address with brackets or without', () => {
    expect(loadConfig({ ADMIN_HOST: '[::1]' }).ADMIN_HOST).toBe('::1');
    expect(loadConfig({ GATEWAY_HOST: '[::1]' }).GATEWAY_HOST).toBe('::1');
    expect(loadConfig({ STREAM_HOST: '::' }).STREAM_HOST).toBe('::');
  });

  it('take bytes with a unit', () => {
    const config = loadConfig({
      CHANNEL_LOG_BYTES: '16MiB',
      EDGE_LOG_BYTES: '1 GiB',
      MAX_PAYLOAD_BYTES: '2048',
    });
    expect(config.CHANNEL_LOG_BYTES).toBe(2 ** 24);
    expect(config.EDGE_LOG_BYTES).toBe(2 ** 30);
    expect(config.MAX_PAYLOAD_BYTES).toBe(2048);
  });

  it('take sources as they take nodes, each once, and an IPv6 address that stands alone', () => {
    const sourcesOf = (list: string) =>
      loadConfig({ CHANNEL_SOURCE_HOST: list }).CHANNEL_SOURCE_HOST.map((node) =>
        nameOf(addressOf(node, 9110)),
      );
    expect(sourcesOf('::1')).toEqual(['[::1]:9110']);
    expect(sourcesOf('a, b:9120,[::1]:9130')).toEqual(['a:9110', 'b:9120', '[::1]:9130']);
  });

  it('take nodes with a port of their own, and IPv6', () => {
    const { DB_NODES } = loadConfig({ DB_NODES: 'db-1, db-2:9142,[::1]:9042,10.0.0.7' });
    expect(DB_NODES).toEqual(['db-1', 'db-2:9142', '[::1]:9042', '10.0.0.7']);
  });

  it.each([
    [
      { REORDER_SETTLE_MS: '2000' },
      'REORDER_DEADLINE_MS must be at least REORDER_SETTLE_MS (2000 ms), is 1000',
    ],
    [
      { SUSPECT_DELAY_MS: '1000' },
      'REORDER_DEADLINE_MS must be at least SUSPECT_DELAY_MS + 1 (1001 ms), is 1000',
    ],
    [
      { MAX_PAYLOAD_BYTES: '4 MiB' },
      'REORDER_MAX_BYTES must be at least 2 * (MAX_PAYLOAD_BYTES + 320) (8389248 bytes), is 4194304',
    ],
    [
      { MAX_PAYLOAD_BYTES: '8 MiB', REORDER_MAX_BYTES: '32 MiB' },
      'CHANNEL_LOG_BYTES must be at least MAX_PAYLOAD_BYTES + 320 (8388928 bytes), is 8388608',
    ],
    [
      { EDGE_LOG_BYTES: '8 MiB' },
      'EDGE_LOG_BYTES must be at least EDGE_WORKERS * (CHANNEL_LOG_BYTES + REORDER_MAX_BYTES) (12582912 bytes), is 8388608',
    ],
  ])('that contradict each other stop the start with their figures: %o', (env, problem) => {
    expect(() => loadConfig(env)).toThrow(new ConfigError(problem));
  });
});
