import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DatagramSender, eventually, freeUdpPort, GatewayRig } from './testing/gateway-rig.ts';
import { rtpPacket, TestStream } from './testing/test-stream.ts';

const CHANNEL = 'zato01';
/** Longer than any limit on what is missing. */
const HELD_UP_MS = 3_000;
/** In which the kernel has handed on a datagram. */
const KERNEL_MS = 100;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

async function heldUp() {
  const port = await freeUdpPort();
  const rig = await GatewayRig.start([`${CHANNEL}=rtp://127.0.0.1:${port}`]);
  const edge = await rig.listen();
  const sender = new DatagramSender(port);
  return {
    edge,
    sender,
    input: async () => (await rig.status()).channels[0]?.inputs[0],
    /** Sends what is in the kernel when the event loop goes on late: timers run first. */
    async sendWhileHeldUp(datagram: Buffer): Promise<void> {
      await turn(); // as timers, this is followed by a look at the sockets
      const sent = sender.send(datagram);
      await new Promise<void>((resolve) => process.nextTick(resolve));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, KERNEL_MS);
      vi.advanceTimersByTime(HELD_UP_MS);
      await sent;
    },
  };
}

it('a gateway whose event loop was held up gives no RTP packet up that has come meanwhile', async () => {
  const { edge, sender, input, sendWhileHeldUp } = await heldUp();
  const stream = new TestStream();
  const units = [stream.tables(), ...stream.units(6)];
  const packets = units.map((unit, index) => rtpPacket(unit, { sequence: 100 + index }));
  const missing = packets.splice(3, 1)[0] ?? Buffer.alloc(0);
  await sender.send(...packets.slice(0, 2));
  await eventually(async () => (await input())?.opened).toBe(1);
  vi.advanceTimersByTime(20); // the stream has begun
  await turn();
  await sender.send(...packets.slice(2, 4));
  for (let n = 0; n < 5; n += 1) await turn();
  await sendWhileHeldUp(missing);
  await sender.send(...packets.slice(4));
  const closed = Buffer.concat(units.slice(0, -1));
  await eventually(() => edge.bytesOf(CHANNEL).length).toBeGreaterThanOrEqual(closed.length);
  expect(edge.bytesOf(CHANNEL).subarray(0, closed.length).equals(closed)).toBe(true);
  expect((await input())?.rtpLost).toBe(0);
});
