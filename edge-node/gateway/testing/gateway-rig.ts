import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import { freeUdpPorts } from '../../../infra/local/free-ports.ts';
import { loadConfig, type SettingName } from '../../../shared/config.ts';
import { readArguments } from '../../channel-lists/channel-list.ts';
import { ChannelsFile } from '../../channel-lists/channels-file.ts';
import { HEADER_BYTES, LENGTH_OFFSET, SEQUENCE_OFFSET } from '../../source/packet.ts';
import { Gateway } from '../gateway.ts';

const WAIT_MS = 60_000;
/** No sender of these tests pauses for so long, though the machine be busy. */
const SILENCE_MS = '1000';

export interface ReceivedPacket {
  readonly channel: string;
  readonly sequence: bigint;
  readonly payload: Buffer;
}

/** An edge node as the gateway sees one: it connects and takes packets. */
export class FeedListener {
  readonly socket: Socket;
  readonly packets: ReceivedPacket[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.socket.on('error', () => {});
  }

  of(channel: string): ReceivedPacket[] {
    return this.packets.filter((packet) => packet.channel === channel);
  }

  bytesOf(channel: string): Buffer {
    return Buffer.concat(this.of(channel).map(({ payload }) => payload));
  }

  /** Packets of a channel that do not follow the one before. */
  breaksOf(channel: string): number {
    const packets = this.of(channel);
    return packets.filter(
      ({ sequence }, index) => index > 0 && sequence !== (packets[index - 1]?.sequence ?? 0n) + 1n,
    ).length;
  }

  #read(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + HEADER_BYTES <= bytes.length) {
      const end = at + HEADER_BYTES + bytes.readUInt32BE(at + LENGTH_OFFSET);
      if (end > bytes.length) break;
      this.packets.push({
        channel: bytes.toString('latin1', at + 5, at + SEQUENCE_OFFSET).replace(/\0+$/, ''),
        sequence: bytes.readBigUInt64BE(at + SEQUENCE_OFFSET),
        payload: Buffer.from(bytes.subarray(at + HEADER_BYTES, end)),
      });
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }
}

interface InputStatus {
  readonly state: string;
  readonly reason?: string;
  readonly opened: number;
  readonly continuityErrors: number;
  readonly rtpLost: number;
}

interface GatewayStatus {
  /** Sent, of all channels. */
  readonly packets: number;
  readonly edgeNodesDropped: number;
  readonly children: number;
  readonly channels: readonly {
    readonly channel: string;
    readonly isPlaying: boolean;
    readonly input: number;
    readonly jumps: number;
    readonly inputs: readonly InputStatus[];
  }[];
}

type Settings = Partial<Record<SettingName, string>>;

/** A gateway in this process on real sockets, and an edge node that listens to it. Ends with the test. */
export class GatewayRig {
  readonly gateway: Gateway;
  readonly lines: string[] = [];
  #port = 0;
  #adminPort = 0;
  #stopped: Promise<void> | undefined;

  private constructor(names: readonly string[], settings: Settings) {
    const config = loadConfig({ GATEWAY_ADMIN_PORT: '0', SILENCE_MS, ...settings });
    const file = config.CHANNELS_FILE === '' ? undefined : new ChannelsFile(config.CHANNELS_FILE);
    this.gateway = new Gateway({
      config,
      logger: pino({}, { write: (line) => this.lines.push(line) }),
      named: readArguments(names),
      file,
      host: '127.0.0.1',
      port: 0,
    });
  }

  static async start(names: readonly string[], settings: Settings = {}): Promise<GatewayRig> {
    const rig = new GatewayRig(names, settings);
    const { feed, admin } = await rig.gateway.start();
    onTestFinished(() => rig.stop());
    rig.#port = feed.port;
    rig.#adminPort = admin.port;
    return rig;
  }

  /** Where edge nodes connect to. */
  get port(): number {
    return this.#port;
  }

  /** Stops the gateway, once. */
  async stop(): Promise<void> {
    this.#stopped ??= this.gateway.stop();
    await this.#stopped;
  }

  async listen(): Promise<FeedListener> {
    const listener = new FeedListener(this.#port);
    onTestFinished(() => {
      listener.socket.destroy();
    });
    await once(listener.socket, 'connect');
    return listener;
  }

  async status(): Promise<GatewayStatus> {
    const answer = await fetch(`http://127.0.0.1:${this.#adminPort}/status`);
    return (await answer.json()) as GatewayStatus;
  }

  async get(path: string): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#adminPort}${path}`);
    expect(answer.status).toBe(200);
    return answer.text();
  }
}

export function eventually<T>(read: () => T | Promise<T>, timeoutMs = WAIT_MS) {
  return expect.poll(read, { timeout: timeoutMs, interval: 20 });
}

/** A port that nobody listened on a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const [port = 0] = await freeUdpPorts(1);
  return port;
}

/** Sends datagrams one after another, so that none is lost on the way. */
export class DatagramSender {
  readonly #socket = createSocket('udp4');
  readonly #port: number;
  readonly #address: string;

  constructor(port: number, address = '127.0.0.1') {
    this.#port = port;
    this.#address = address;
    onTestFinished(() => {
      this.#socket.close();
    });
  }

  /** Where datagrams to a group leave this machine. */
  async onInterface(address: string): Promise<void> {
    this.#socket.bind(0, address);
    await once(this.#socket, 'listening');
    this.#socket.setMulticastInterface(address);
  }

  async send(...datagrams: readonly Buffer[]): Promise<void> {
    for (const datagram of datagrams) {
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(datagram, this.#port, this.#address, (error) =>
          error ? reject(error) : resolve(),
        );
      });
    }
  }
}
