import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { hostCheck } from './allowed-hosts.ts';

const isAllowed = hostCheck(['edge-1.example.net', 'status.example.net']);

test.each([
  ['127.0.0.1', true],
  ['127.0.0.1:9112', true],
  ['10.1.2.3:9112', true],
  ['[::1]:9112', true],
  ['[2001:db8::1]', true],
  ['localhost', true],
  ['localhost:9112', true],
  ['LOCALHOST.:9112', true],
  [hostname(), true],
  [`${hostname()}:9112`, true],
  ['edge-1.example.net:9112', true],
  ['Status.Example.net', true],
  [undefined, true],
  ['evil.example', false],
  ['evil.example:9112', false],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['edge-1.example.net.evil.example', false],
  ['example.net', false],
  ['[evil.example]', false],
  ['evil.example:9112:9112', false],
  ['', false],
  [':9112', false],
  ['user@127.0.0.1', false],
])('Host: %s is allowed: %s', (header, expected) => {
  expect(isAllowed(header)).toBe(expected);
});
