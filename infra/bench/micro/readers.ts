/**
 * Users by line who read all and check nothing, over TCP or TLS: what a server spends on either is compared with the
 * same clients. Speaks as users.c does: `ready` once all have received something, `start`, and at `stop` a JSON line.
 *
 *     node infra/bench/micro/readers.ts PORT USERS [tls]
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { BenchError, runBench } from '../child.ts';

const CONNECTS_AT_ONCE = 16;

await runBench(async () => {
  const [port = 0, users = 0] = process.argv.slice(2).map(Number);
  const isTls = process.argv[4] === 'tls';
  let bytes = 0;

  /** Resolves with its first bytes. */
  function user(id: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The certificate is one of the bench's own, made for this run.
    const socket = isTls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect({ port, host: '127.0.0.1' });
    socket.write(`bench-${id} bnc000\n`);
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      resolve();
    });
    socket.on('error', reject).on('close', () => {
      reject(new BenchError('the server closed the connection'));
    });
    return promise;
  }

  for (let id = 0; id < users; id += CONNECTS_AT_ONCE) {
    const some = Math.min(CONNECTS_AT_ONCE, users - id);
    await Promise.all(Array.from({ length: some }, (_, i) => user(id + i)));
  }
  console.log('ready');
  let sinceBytes = 0;
  for await (const told of createInterface(process.stdin)) {
    if (told === 'start') sinceBytes = bytes;
    else if (told === 'stop') console.log(JSON.stringify({ bytes: bytes - sinceBytes }));
  }
});
