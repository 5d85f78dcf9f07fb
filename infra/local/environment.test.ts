import { describe, expect, test } from 'vitest';
import { assertLoopback, cleanEnvironment } from './environment.ts';

describe('an environment that may reach nothing but this machine', () => {
  test('keeps neither accounts, nor clusters, nor proxies for loopback of the shell it comes from', () => {
    const cleaned = cleanEnvironment({
      PATH: '/bin',
      AWS_PROFILE: 'production',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_ENDPOINT_URL_DYNAMODB: 'https://dynamodb.example.com',
      DB_NODES: 'db.example.com',
      DYNAMODB_TABLE_PREFIX: 'production',
      NO_PROXY: 'example.com',
    });
    expect(cleaned).toEqual({
      PATH: '/bin',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_EC2_METADATA_DISABLED: 'true',
      NO_PROXY: '127.0.0.1,::1,localhost',
      no_proxy: '127.0.0.1,::1,localhost',
    });
  });

  test.each([
    '127.0.0.1:9042',
    '127.9.9.9:1',
    'localhost:8000',
    '[::1]:9042',
    'http://127.0.0.1:8000',
    'http://localhost',
  ])('takes %s', (endpoint) => {
    expect(assertLoopback(endpoint)).toBe(endpoint);
  });

  test.each([
    'db.example.com:9042',
    '10.0.0.1:9042',
    '127.example.com:80',
    'https://dynamodb.eu-west-1.amazonaws.com',
    'http://127.0.0.1@example.com',
    'localhost.example.com:9042',
  ])('refuses %s', (endpoint) => {
    expect(() => assertLoopback(endpoint)).toThrow(`${endpoint} is not on this machine`);
  });
});
