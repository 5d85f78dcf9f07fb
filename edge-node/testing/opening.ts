import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { SelfSigned } from '../../shared/testing/self-signed.ts';
import type { EdgeRig } from './edge-rig.ts';
import type { ScriptedUser } from './scripted-user.ts';

export const GET = 'GET /watch/zato01?user=user-1 HTTP/1.1\r\nHost: edge\r\n\r\n';
/** The beginning of a client's hello. */
export const HALF_HELLO = Buffer.from('16030100a5010000a10303', 'hex');

/** The pair in files, with the settings that name them. Removed with the test. */
export async function certificateFiles(pair: SelfSigned) {
  const folder = await mkdtemp(join(tmpdir(), 'streaming-tls-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const STREAM_TLS_CERT = join(folder, 'cert.pem');
  const STREAM_TLS_KEY = join(folder, 'key.pem');
  await writeFile(STREAM_TLS_CERT, pair.cert);
  await writeFile(STREAM_TLS_KEY, pair.key);
  return { STREAM_TLS_CERT, STREAM_TLS_KEY };
}

/** A client that trusts this certificate and no other. @param carrier an open connection to go by */
export function tls(port: number, { cert }: SelfSigned, carrier?: Socket): TLSSocket {
  const common = { ca: cert, servername: 'localhost', allowHalfOpen: true };
  return carrier === undefined
    ? connectTls({ ...common, port, host: '127.0.0.1' })
    : connectTls({ ...common, socket: carrier });
}

/** Sends bytes at once. */
export function saying(rig: EdgeRig, socket: Socket, bytes: string | Buffer): ScriptedUser {
  const user = rig.connectBy(socket);
  user.send(bytes);
  return user;
}

/** What came behind the head of an HTTP answer. */
export const bodyOf = ({ bytes }: ScriptedUser) => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
