import type { Socket } from 'node:net';
import { Detour } from './detour.ts';

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

export class CqlProxy extends Detour {
  /** By the body of an EXECUTE, in which the values stand as they are. */
  fate: (body: Buffer) => Fate = () => 'served';
  connections = 0;

  protected override carry(near: Socket, far: Socket): void {
    this.connections += 1;
    framesOf(far, (frame) => near.write(frame));
    framesOf(near, (frame) => {
      const isExecute = frame.readUInt8(OPCODE_AT) === OPCODES.execute;
      const fate = isExecute ? this.fate(frame.subarray(HEADER_BYTES)) : 'served';
      if (fate === 'served') far.write(frame);
      if (fate === 'unavailable') near.write(unavailableFrame(frame.readInt16BE(STREAM_AT)));
    });
  }
}
