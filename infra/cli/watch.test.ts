import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestStream } from '../../edge-node/gateway/testing/test-stream.ts';
import { EdgeRig } from '../../edge-node/testing/edge-rig.ts';
import { Feed } from '../../edge-node/testing/feed.ts';
import { certificateFiles } from '../../edge-node/testing/opening.ts';
import { TOKEN_SECRET } from '../../shared/testing/jwt.ts';
import { selfSigned } from '../../shared/testing/self-signed.ts';
import { cli, startCli } from './testing/run-cli.ts';

/** A program's stream of 50 PCRs, 40 ms apart, in payloads; `lost` are left out. */
function payloads(lost = 0): Buffer[] {
  const stream = new TestStream();
  const units = stream.units(50);
  units.splice(20, lost);
  return [stream.tables(), ...units];
}

const transports = [
  ['9111', (rig: EdgeRig) => ['--at', `127.0.0.1:${rig.usersPort}`]],
  ['HTTP', (rig: EdgeRig) => ['--http', '--at', rig.watchOrigin]],
] as const;

describe('watch by TLS', () => {
  const secure = [
    ...transports,
    ['HTTPS', ({ watchPort }: EdgeRig) => ['--http', '--at', `https://localhost:${watchPort}`]],
  ] as const;

  /** An edge node that speaks TLS, and the file of the certificate that vouches for it. */
  async function securely() {
    const files = await certificateFiles(selfSigned());
    const rig = await EdgeRig.start(files);
    rig.store.registered.add('user-1');
    return { rig, files };
  }

  it.each(secure)('keeps every byte of %s', async (_, place) => {
    const { rig, files } = await securely();
    const args = ['watch', 'user-1', 'zato01', ...place(rig), '-o', '-'];
    const { child, outcome } = startCli([...args, '--ca', files.STREAM_TLS_CERT]);
    let received = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await rig.eventually(() => rig.metric('users')).toBe(1);
    const feed = new Feed('zato01');
    rig.source.send(feed.carry(payloads()));
    await rig.eventually(() => received).toBe(feed.bytes.length);
    child.kill('SIGTERM');
    const { code, err } = await outcome;
    expect({ code, err }).toMatchObject({ code: 0 });
  });

  it.each(secure)('trusts nobody over %s whom --ca does not vouch for', async (_, place) => {
    const { rig } = await securely();
    const args = ['watch', 'user-1', 'zato01', ...place(rig), '--tls'];
    const { code, err } = await cli(args);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: \S+ does not answer: .*self-signed certificate.*\n$/);
    expect(await rig.metric('users')).toBe(0);
  });

  it('follows the settings of a node that speaks TLS', async () => {
    const { rig, files } = await securely();
    const env = {
      ...files,
      STREAM_PORT: String(rig.usersPort),
      NODE_EXTRA_CA_CERTS: files.STREAM_TLS_CERT,
    };
    const { child, outcome } = startCli(['watch', 'user-1', 'zato01'], env);
    await rig.eventually(() => rig.metric('users')).toBe(1);
    child.kill('SIGTERM');
    expect((await outcome).err).toBe('error: nothing came of zato01\n');
  });

  it('tells a file that holds no certificate', async () => {
    const { code, err } = await cli(['watch', 'user-1', 'zato01', '--ca', import.meta.filename]);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: --ca .*watch\.test\.ts holds no certificate: .*\n$/);
  });
});

describe('watch', () => {
  it.each(transports)(
    'keeps every byte of %s and counts seconds by the stream',
    async (_, place) => {
      const rig = await EdgeRig.start();
      const folder = await mkdtemp(join(tmpdir(), 'streaming-cli-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      rig.store.registered.add('user-1');
      const file = join(folder, 'zato01.ts');
      const args = ['watch', 'user-1', 'zato01', ...place(rig), '-o', file, '--json'];
      const { child, outcome } = startCli(args);
      await rig.eventually(() => rig.metric('users')).toBe(1);
      const feed = new Feed('zato01');
      rig.source.send(feed.carry(payloads()));
      const size = () =>
        readFile(file).then(
          ({ length }) => length,
          () => 0,
        );
      await rig.eventually(size).toBe(feed.bytes.length);
      child.kill('SIGINT');
      const { code, out } = await outcome;
      expect((await readFile(file)).equals(feed.bytes)).toBe(true);
      expect(code).toBe(0);
      const bytes = feed.bytes.length;
      expect(JSON.parse(out)).toMatchObject({
        bytes,
        streamSeconds: 1.96,
        gaps: 0,
        end: 'stopped',
      });
    },
  );

  it.each(transports)('tells the gaps of %s and ends with 1', async (_, place) => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const { child, outcome } = startCli(['watch', 'user-1', 'zato01', ...place(rig), '-o', '-']);
    let received = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await rig.eventually(() => rig.metric('users')).toBe(1);
    const feed = new Feed('zato01');
    rig.source.send(feed.carry(payloads(1)));
    await rig.eventually(() => received).toBe(feed.bytes.length);
    child.kill('SIGTERM');
    const { code, err } = await outcome;
    expect(code).toBe(1);
    expect(err).toMatch(/ {2}2\.0 s of stream {2}1 gap {2}.*\nerror: the stream has gaps\n$/);
  });

  it.each(transports)('tells why %s refuses, and keeps nothing of it', async (_, place) => {
    const rig = await EdgeRig.start();
    const { code, out, err } = await cli(['watch', 'nobody', 'zato01', ...place(rig), '-o', '-']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^error: refused.* not_registered:? register this user first.*\n$/);
  });

  it.each(transports)('shows a token to %s, and prints it nowhere', async (_, place) => {
    const rig = await EdgeRig.start({ STREAM_TOKEN_SECRETS: TOKEN_SECRET });
    rig.store.registered.add('user-1');
    const args = ['watch', 'user-1', 'zato01', ...place(rig)];
    expect((await cli(args)).err).toMatch(/bad_token/);
    const secrets = { STREAM_TOKEN_SECRETS: TOKEN_SECRET };
    const signed = (await cli(['token', 'user-1', '--ttl', '1h'], secrets)).out.trim();
    const { child, outcome } = startCli(args, { STREAM_TOKEN: signed });
    await rig.eventually(() => rig.metric('users')).toBe(1);
    child.kill('SIGTERM');
    const { code, out, err } = await outcome;
    expect(code).toBe(1);
    expect(err).toBe('error: nothing came of zato01\n');
    expect(out + err).not.toContain(signed);
  });

  it.each(transports)('tells an end of %s that nobody asked for', async (_, place) => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const { outcome } = startCli(['watch', 'user-1', 'zato01', ...place(rig)]);
    await rig.eventually(() => rig.metric('users')).toBe(1);
    await rig.stop();
    const { code, err } = await outcome;
    expect([code, err]).toEqual([1, 'error: the service closed the connection\n']);
  });

  it.each([
    ['--http', 'http://'],
    ['--tls', ''],
  ])('that is stopped before anybody answers (%s) says that nothing came', async (by, scheme) => {
    const asked = Promise.withResolvers<void>();
    const silent = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => asked.resolve());
    });
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void silent.close());
    const at = `${scheme}127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { child, outcome } = startCli(['watch', 'user-1', 'zato01', by, '--at', at]);
    await asked.promise;
    child.kill('SIGTERM');
    const { code, err } = await outcome;
    expect([code, err]).toEqual([1, 'error: nothing came of zato01\n']);
  });

  it('ends without a word where nobody reads its output any more', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const at = `127.0.0.1:${rig.usersPort}`;
    const { child, outcome } = startCli(['watch', 'user-1', 'zato01', '--at', at, '-o', '-']);
    outcome.catch(() => {}); // its output is given up below
    await rig.eventually(() => rig.metric('users')).toBe(1);
    child.stdout.destroy();
    const feed = new Feed('zato01');
    const sending = setInterval(() => rig.source.send(feed.make(10)), 20);
    onTestFinished(() => clearInterval(sending));
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });

  it('tells a text that begins as a refusal does from one', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const args = ['watch', 'user-1', 'text', '--at', `127.0.0.1:${rig.usersPort}`, '-o', '-'];
    const { child, outcome } = startCli(args);
    await rig.eventually(() => rig.metric('users')).toBe(1);
    const said = 'ERR loud and clear\n';
    rig.source.send(new Feed('text').carry([Buffer.from(said)]));
    await rig.eventually(async () => (await rig.status('user-1')).users[0]?.seconds).toBe(0.02);
    await rig.stop();
    const { code, out, err } = await outcome;
    expect({ code, out }).toEqual({ code: 1, out: said });
    expect(err).toMatch(/no clock.*\nerror: the service closed the connection\n$/);
    expect(child.exitCode).toBe(1);
  });
});
