import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../config.ts';
import { selfSigned } from '../../testing/self-signed.ts';
import { tlsOptions } from './tls.ts';

/** Of localhost, 127.0.0.1 and ::1. */
const { cert } = selfSigned();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cassandra-tls-'));
  await writeFile(join(folder, 'ca.pem'), cert);
});
afterAll(() => rm(folder, { recursive: true }));

async function isTrusted(nodes: string, address: string): Promise<boolean> {
  const config = loadConfig({ DB_NODES: nodes, DB_TLS_CA: join(folder, 'ca.pem') });
  const { checkServerIdentity } = await tlsOptions(config);
  const presented = new X509Certificate(cert).toLegacyObject();
  return checkServerIdentity?.(address, presented) === undefined;
}

test.each(['localhost', 'localhost:9142', '127.0.0.1:9142', '[::1]', '[::1]:9142', 'a,[::1]'])(
  'a certificate of what stands in DB_NODES=%s is good at whatever address its node has',
  async (nodes) => expect(await isTrusted(nodes, '192.0.2.1')).toBe(true),
);

test.each(['127.0.0.1', '::1'])(
  'a certificate of the address %s is good there',
  async (address) => {
    expect(await isTrusted('elsewhere', address)).toBe(true);
  },
);

test('a certificate of neither is not', async () => {
  expect(await isTrusted('elsewhere,[::2]:9142', '192.0.2.1')).toBe(false);
});
