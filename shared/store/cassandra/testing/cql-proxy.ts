import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A node of which some replicas are away: requests go on to the real node behind it, but those of which `fate` says
 * otherwise are answered as a coordinator answers for them, or not at all. Speaks version 4 of CQL's frames: version,
 * flags, stream (2 bytes), opcode, length of the body (4 bytes), body.
 */

export type Fate = 'served' | 'unavailable' | 'unanswered';

const HEADER_BYTES = 9;
const STREAM_AT = 2;
const OPCODE_AT = 4;
const LENGTH_AT = 5;
const OPCODES = { error: 0x00, execute: 0x0a } as const;
/** LOCAL_QUORUM wants one replica, and none is alive. */
const UNAVAILABLE = { code: 0x1000, localQuorum: 0x06, required: 1, alive: 0 } as const;

/** Cuts a stream of bytes into whole frames. */
function framesOf(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE(LENGTH_AT);
      if (rest.length < end) return;
      onFrame(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}

function unavailableFrame(stream: number): Buffer {
  const message = Buffer.from('Cannot achieve consistency level LOCAL_QUORUM');
  const body = Buffer.alloc(4 + 2 + message.length + 2 + 4 + 4);
  let at = body.writeInt32BE(UNAVAILABLE.code);
  at = body.writeUInt16BE(message.length, at);
  at += message.copy(body, at);
  at = body.writeUInt16BE(UNAVAILABLE.localQuorum, at);
  at = body.writeInt32BE(UNAVAILABLE.required, at);
  body.writeInt32BE(UNAVAILABLE.alive, at);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(0x84);
  header.writeInt16BE(stream, STREAM_AT);
  header.writeUInt8(OPCODES.error, OPCODE_AT);
  header.writeUInt32BE(body.length, LENGTH_AT);
  return Buffer.concat([header, body]);
}

export class CqlProxy {
  /** By the body of an EXECUTE, in which the values stand as they are. */
  fate: (body: Buffer) => Fate = () => 'served';
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near));
  readonly #port: number;

  /** @param endpoint host:port of a node on this machine */
  constructor(endpoint: string) {
    this.#port = Number(endpoint.split(':')[1]);
  }

  /** Its own endpoint. */
  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(near: Socket): void {
    this.connections += 1;
    const far = connect(this.#port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    framesOf(far, (frame) => near.write(frame));
    framesOf(near, (frame) => {
      const isExecute = frame.readUInt8(OPCODE_AT) === OPCODES.execute;
      const fate = isExecute ? this.fate(frame.subarray(HEADER_BYTES)) : 'served';
      if (fate === 'served') far.write(frame);
      if (fate === 'unavailable') near.write(unavailableFrame(frame.readInt16BE(STREAM_AT)));
    });
  }
}
