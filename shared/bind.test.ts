import { expect, test } from 'vitest';
import { blaming } from './bind.ts';
import { ConfigError } from './errors.ts';

const failure = (code: string) =>
  Object.assign(new TypeError(`listen ${code} 127.0.0.1:9111`), { code });

test('a port that cannot be had is blamed on the settings that name it', () => {
  expect(() => blaming('STREAM_HOST, STREAM_PORT')(failure('EADDRINUSE'))).toThrow(
    new ConfigError('STREAM_HOST, STREAM_PORT: listen EADDRINUSE 127.0.0.1:9111'),
  );
});

test('a system on which processes cannot share a port is told of by the setting that asks for it', () => {
  expect(() => blaming('STREAM_HOST, STREAM_PORT')(failure('ENOTSUP'))).toThrow(
    /^EDGE_WORKERS: this system cannot share a port .+ it must be 1 here$/,
  );
});
