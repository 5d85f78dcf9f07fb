import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CHANNEL_OFFSET,
  HEADER_BYTES,
  LENGTH_OFFSET,
  SEQUENCE_OFFSET,
} from '../../../edge-node/source/packet.ts';
import { Clip } from '../media/clip.ts';
import type { EpochReport } from './channel-feed.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Packet {
  channel: string;
  sequence: bigint;
  payload: Buffer;
}
type Report = { channel: string; epochs: EpochReport[] }[];

/** Starts the program on a free port; resolves once it listens. */
async function source(...args: string[]) {
  const child = spawn(process.execPath, [
    `${import.meta.dirname}/channel-source.ts`,
    '--port',
    '0',
    ...args,
  ]);
  children.push(child);
  const printed = text(child.stdout);
  const report = async () => JSON.parse(await printed) as Report;
  let said = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    said += chunk;
    const port = /:(\d+)\n/.exec(said)?.[1];
    if (port !== undefined) return { child, port: Number(port), report };
  }
  throw new Error(`the source did not start: ${said}`);
}

/** All packets until the source closes. */
async function receive(port: number): Promise<Packet[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of connect(port, '127.0.0.1')) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + LENGTH_OFFSET);
    const channel = bytes.toString('latin1', at + CHANNEL_OFFSET, at + SEQUENCE_OFFSET);
    const sequence = bytes.readBigUInt64BE(at + SEQUENCE_OFFSET);
    packets.push({ channel, sequence, payload: bytes.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return packets;
}

const sequences = (packets: readonly Packet[], channel: string): bigint[] =>
  packets.filter((packet) => packet.channel === channel).map(({ sequence }) => sequence);
const upTo = (count: number): bigint[] =>
  Array.from({ length: count }, (_, index) => BigInt(index));

describe('the channel source', () => {
  it('plays each channel from sequence 0 on, at the bytes of its clip, and ends when it should', async () => {
    const { port } = await source('--seconds', '1', '--rate', '500');
    const packets = await receive(port);
    expect(sequences(packets, 'zato01')).toEqual(upTo(500));
    expect(sequences(packets, 'zato02')).toEqual(upTo(500));
    const clip = Clip.load('zato02');
    const second = packets.filter(({ channel }) => channel === 'zato02');
    expect(second.every(({ payload }, index) => payload.equals(clip.payload(index)))).toBe(true);
  });

  it('reports exactly what it left out, while it shuffles and repeats', async () => {
    const disorder = ['--shuffle', '50', '--loss', '3', '--duplicate', '5', '--seed', '9'];
    const { port, report } = await source(
      '--channels',
      '3',
      '--seconds',
      '1',
      '--rate',
      '400',
      ...disorder,
    );
    const packets = await receive(port);
    for (const { channel, epochs } of await report()) {
      const sent = sequences(packets, channel);
      const [epoch] = epochs;
      expect(sent).not.toEqual(sent.toSorted((a, b) => Number(a - b)));
      const missing = upTo(400).filter((sequence) => !sent.includes(sequence));
      expect(epoch!.lost.map(BigInt)).toEqual(missing);
      expect(missing.length).toBeGreaterThan(0);
      expect(sent.length).toBe(400 - missing.length + epoch!.duplicates);
    }
    expect((await report()).map(({ channel }) => channel)).toEqual(['zato01', 'zato02', 'zato03']);
  });

  it('jumps and starts again where it is told, and reports each epoch', async () => {
    const turns = ['--jump-at', '100', '--restart-at', '150'];
    const { port, report } = await source(
      '--channels',
      'one',
      '--seconds',
      '1',
      '--rate',
      '200',
      ...turns,
    );
    const packets = await receive(port);
    const jumped = upTo(50).map((index) => 1_000_100n + index);
    expect(sequences(packets, 'one\0\0\0')).toEqual([...upTo(100), ...jumped, ...upTo(50)]);
    const [only] = await report();
    expect(only!.epochs.map(({ first, packets }) => [first, packets])).toEqual([
      ['0', 100],
      ['1000100', 50],
      ['0', 50],
    ]);
  });

  it('serves those who come back, from where it is by then', async () => {
    const { child, port } = await source('--channels', '1', '--rate', '200');
    const first = connect(port, '127.0.0.1');
    await once(first, 'data');
    first.destroy();
    const second = receive(port);
    const third = connect(port, '127.0.0.1');
    await once(third, 'data');
    third.destroy();
    child.kill('SIGTERM');
    const packets = sequences(await second, 'zato01');
    expect(packets[0]).toBeGreaterThan(0n);
    expect(packets).toEqual(packets.map((_, index) => packets[0]! + BigInt(index)));
  });

  it('says in one line what is wrong with its options', async () => {
    await expect(source('--loss', '200')).rejects.toThrow('--loss: 0 to 100');
    await expect(source('--channels', 'toolong')).rejects.toThrow('"toolong" is no channel id');
  });
});
