import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPcr } from '../mpeg-ts/pcr.ts';
import { headerAt, pcrOffset, TS_PACKET_BYTES } from '../mpeg-ts/ts-packet.ts';
import { eventually, FeedListener, GatewayRig } from './testing/gateway-rig.ts';
import { TestStream } from './testing/test-stream.ts';

const CHANNEL = 'zato01';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gateway-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** A film of as many PCRs, 40 ms apart, the tables first. */
function film(pcrs: number, firstMs = 60_000): Buffer {
  const stream = new TestStream({ firstMs });
  return Buffer.concat([stream.tables(), ...stream.units(pcrs)]);
}

/** A server that answers as it is told; resolves with its origin. */
async function server(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const http = createServer(answer);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return `127.0.0.1:${(http.address() as AddressInfo).port}`;
}

describe('a file', () => {
  it('waits for an edge node, is played at its pace to the last byte, and ends', async () => {
    const path = join(await folder(), 'film.ts');
    const bytes = film(25);
    await writeFile(path, Buffer.concat([bytes, Buffer.from([0x47, 0, 0])]));
    const rig = await GatewayRig.start([`${CHANNEL}=${path}`]);
    const states = async () => (await rig.status()).channels[0]?.inputs[0]?.state;
    expect(await states()).toBe('held');
    const edge = await rig.listen();
    const beganMs = performance.now();
    await rig.gateway.ended;
    expect(performance.now() - beganMs).toBeGreaterThan(24 * 40);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe(bytes.length);
    expect(edge.bytesOf(CHANNEL).equals(bytes)).toBe(true);
    expect([edge.of(CHANNEL).length, edge.breaksOf(CHANNEL)]).toEqual([24 * 2 + 1, 0]);
    expect(await states()).toBe('ended');
  });

  it('in a loop carries its clock, its time stamps and its counters on', async () => {
    const path = join(await folder(), 'film.ts');
    const bytes = film(10);
    await writeFile(path, bytes);
    const rig = await GatewayRig.start([`${CHANNEL}=${path}?loop`]);
    const edge = await rig.listen();
    await eventually(() => edge.bytesOf(CHANNEL).length).toBeGreaterThan(3 * bytes.length);
    const played = edge.bytesOf(CHANNEL);
    expect(played.subarray(0, bytes.length).equals(bytes)).toBe(true);
    const pcrs: number[] = [];
    for (let at = 0; at < played.length; at += TS_PACKET_BYTES) {
      const offset = pcrOffset(played, at, headerAt(played, at));
      if (offset !== undefined) pcrs.push(readPcr(played, offset) / 27_000);
    }
    expect(pcrs).toEqual(pcrs.map((_, index) => 60_000 + index * 40));
    const [channel] = (await rig.status()).channels;
    expect([channel?.jumps, channel?.inputs[0]?.continuityErrors]).toEqual([0, 0]);
    expect(edge.breaksOf(CHANNEL)).toBe(0);
  });

  it('without a clock is not played, and says why', async () => {
    const path = join(await folder(), 'film.ts');
    const stream = new TestStream({ packets: 8 });
    const packets = stream.unit();
    await writeFile(path, packets.subarray(TS_PACKET_BYTES));
    const rig = await GatewayRig.start([`${CHANNEL}=${path}`]);
    await rig.listen();
    const reason = async () => (await rig.status()).channels[0]?.inputs[0]?.reason;
    await eventually(reason).toBe('it has no stream clock (PCR) to be played by');
  });

  it('that is not there is told for each channel and input, those of the same second too', async () => {
    const at = await folder();
    const inputs = ['a', 'b', 'c'].map((name) => join(at, `${name}.ts`));
    const [a, b, c] = inputs;
    const rig = await GatewayRig.start([`one=${a}`, `two=${b}`, `two=${c}`]);
    await rig.listen();
    const told = () =>
      rig.lines
        .map((line) => JSON.parse(line))
        .filter(({ msg, count }) => msg === 'input failed' && count === undefined)
        .map(({ channel, detail }) => `${channel} ${inputs.find((path) => detail.includes(path))}`);
    await eventually(() => new Set(told())).toEqual(new Set([`one ${a}`, `two ${b}`, `two ${c}`]));
  });

  it('that is not there is tried again until it is', async () => {
    const path = join(await folder(), 'film.ts');
    const rig = await GatewayRig.start([`${CHANNEL}=${path}`]);
    const edge = await rig.listen();
    const input = async () => (await rig.status()).channels[0]?.inputs[0];
    await eventually(async () => (await input())?.opened).toBeGreaterThanOrEqual(2);
    await eventually(async () => (await input())?.reason).toContain('ENOENT');
    const bytes = film(3);
    await writeFile(path, bytes);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe(bytes.length);
  });
});

describe('HTTP', () => {
  it('is asked with the headers given, followed where it leads, and played at its pace', async () => {
    const bytes = film(25);
    const asked: (string | undefined)[] = [];
    const host = await server((request, response) => {
      if (request.url === '/moved') {
        response.writeHead(302, { location: '/live?key=1' }).end();
        return;
      }
      asked.push(request.url, request.headers['user-agent'], request.headers.authorization);
      response.write(bytes); // all at once; then nothing, without an end
    });
    const url = `http://some:body@${host}/moved|User-Agent=Player%201`;
    const rig = await GatewayRig.start([`${CHANNEL}=${url}`]);
    const edge = await rig.listen();
    await eventually(() => edge.of(CHANNEL).length).toBeGreaterThanOrEqual(24 * 2 - 1);
    expect(asked.slice(0, 2)).toEqual(['/live?key=1', 'Player 1']);
    expect(edge.breaksOf(CHANNEL)).toBe(0);
    expect(rig.lines.join('')).not.toMatch(/body|key=1|moved/);
    expect(await rig.get('/status')).not.toMatch(/body|key=1|moved/);
  });

  it('that fails or breaks off is asked again, and other channels never notice', async () => {
    const bytes = film(3);
    let requests = 0;
    const host = await server((_request, response) => {
      requests += 1;
      if (requests === 1) response.writeHead(503).end();
      else if (requests === 2) response.write(bytes, () => response.destroy());
      else response.write(bytes);
    });
    const path = join(await folder(), 'film.ts');
    await writeFile(path, film(10));
    const rig = await GatewayRig.start([`${CHANNEL}=http://${host}/live`, `other=${path}?loop`]);
    const edge = await rig.listen();
    await eventually(() => requests).toBeGreaterThanOrEqual(3);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBeGreaterThan(bytes.length);
    expect([edge.breaksOf(CHANNEL), edge.breaksOf('other')]).toEqual([0, 0]);
    expect(rig.lines.join('')).toContain('the server answered 503');
  });
});

describe('inputs of a channel', () => {
  it('take over from one that is silent, and give the channel back to one before that is whole', async () => {
    const bytes = film(30);
    const path = join(await folder(), 'film.ts');
    await writeFile(path, bytes);
    let isThere = false;
    const host = await server((_request, response) => {
      if (!isThere) {
        response.destroy();
        return;
      }
      const stream = new TestStream({ mark: 9 });
      response.write(stream.tables());
      const timer = setInterval(() => response.write(stream.unit()), 40);
      response.on('close', () => clearInterval(timer));
    });
    const rig = await GatewayRig.start([
      `${CHANNEL}=http://${host}/live`,
      `${CHANNEL}=${path}?loop`,
    ]);
    const edge = await rig.listen();
    const playing = async () => {
      const [channel] = (await rig.status()).channels;
      return channel?.isPlaying && channel.input;
    };
    await eventually(playing).toBe(2);
    isThere = true;
    await eventually(async () => (await rig.status()).channels[0]?.inputs[0]?.state).toBe(
      'receiving',
    );
    expect(await playing()).toBe(2);
    await eventually(playing).toBe(1);
    expect(edge.breaksOf(CHANNEL)).toBe(0);
  }, 180_000);
});

describe('a list of channels', () => {
  it('that changes starts only those anew that changed, and one that is broken changes nothing', async () => {
    const dir = await folder();
    await writeFile(join(dir, 'a.ts'), film(25));
    const write = (...lines: string[]) => writeFile(join(dir, 'list.m3u'), lines.join('\n'));
    await write('#EXTINF:-1 channel-id="a",A', 'a.ts?loop', '#EXTINF:-1 channel-id="b",B', 'a.ts');
    const rig = await GatewayRig.start([], { CHANNELS_FILE: join(dir, 'list.m3u') });
    const edge = await rig.listen();
    await eventually(() => edge.of('a').length).toBeGreaterThan(10);
    await write('#EXTINF:-1 channel-id="a",A', 'a.ts?loop', '#EXTINF:-1 channel-id="c",C', 'a.ts');
    await eventually(() => edge.of('c').length).toBeGreaterThan(10);
    const ids = async () => (await rig.status()).channels.map(({ channel }) => channel);
    expect(await ids()).toEqual(['a', 'c']);
    expect(edge.breaksOf('a')).toBe(0);
    await write('[{');
    await eventually(() => rig.lines.join('')).toContain('the last good one is kept');
    expect(await ids()).toEqual(['a', 'c']);
    expect(await rig.get('/metrics')).toMatch(/streaming_gateway_channel_playing\{channel="a"\} 1/);
    expect(await rig.get('/healthz')).toBe('{"status":"ok"}');
  });
});

describe('npm run gateway', () => {
  const run = (...args: string[]) =>
    spawn(process.execPath, [`${import.meta.dirname}/main.ts`, ...args], {
      env: { ...process.env, GATEWAY_ADMIN_PORT: '0' },
    });

  it('makes a channel of what comes on standard input, to the last byte, and ends with it', async () => {
    const gateway = run('film=-', '--port', '0');
    onTestFinished(() => {
      gateway.kill('SIGKILL');
    });
    const exited = once(gateway, 'exit');
    let said = '';
    for await (const chunk of gateway.stdout.iterator({ destroyOnReturn: false })) {
      said += chunk;
      if (said.includes('"ready ')) break;
    }
    gateway.stdout.resume();
    const edge = new FeedListener(Number(/"feed":(\d+)/.exec(said)?.[1]));
    const bytes = film(10);
    gateway.stdin.write(bytes.subarray(0, 5000));
    gateway.stdin.end(bytes.subarray(5000));
    expect(await exited).toEqual([0, null]);
    await eventually(() => edge.bytesOf('film').equals(bytes)).toBe(true);
  });

  it('says in a line what is wrong with its arguments or its list', async () => {
    const failure = async (...args: string[]) => {
      const gateway = run(...args);
      const said = text(gateway.stderr);
      const [code] = await once(gateway, 'exit');
      return [code, (await said).split('\n')[0]];
    };
    expect(await failure('toolong7=film.ts')).toEqual([
      1,
      '"toolong7" is not a channel id, which is 1 to 6 ASCII characters without spaces',
    ]);
    expect(await failure('a=film.ts', '--port', 'x')).toEqual([
      1,
      'GATEWAY_PORT must be a whole number from 0 to 65535, not "x"',
    ]);
    expect((await failure('--nothing'))[1]).toMatch(/^Unknown option '--nothing'/);
    expect((await failure())[1]).toMatch(/^gateway: a channel source/);
  });
});
