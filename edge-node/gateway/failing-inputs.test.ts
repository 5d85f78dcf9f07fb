import { it, onTestFinished } from 'vitest';
import { freeUdpPorts } from '../../infra/local/free-ports.ts';
import { DatagramSender, eventually, GatewayRig } from './testing/gateway-rig.ts';
import { TestStream } from './testing/test-stream.ts';

const SEND_EVERY_MS = 20;

/** A stream that goes on until it is stopped. */
function play(port: number): { stop(): void } {
  const sender = new DatagramSender(port);
  const stream = new TestStream();
  void sender.send(stream.tables());
  const timer = setInterval(() => void sender.send(stream.unit()), SEND_EVERY_MS);
  const stop = () => clearInterval(timer);
  onTestFinished(stop);
  return { stop };
}

it('an input fails while it should come and does not: one in reserve does not, whoever plays', async () => {
  const [first = 0, second = 0] = await freeUdpPorts(2);
  const rig = await GatewayRig.start([
    `zato01=udp://127.0.0.1:${first}`,
    `zato01=udp://127.0.0.1:${second}`,
  ]);
  const failing = async () => {
    const page = await rig.get('/metrics');
    const lines = page.matchAll(/^streaming_gateway_input_failing\{.*\} ([01])$/gm);
    return Array.from(lines, ([, value]) => Number(value));
  };
  const playing = async () =>
    (await rig.get('/metrics')).includes('streaming_gateway_channel_playing{channel="zato01"} 1');

  const preferred = play(first);
  await eventually(failing).toEqual([0, 0]);
  await eventually(playing).toBe(true);

  preferred.stop();
  await eventually(failing).toEqual([1, 1]);
  await eventually(playing).toBe(false);

  play(second);
  await eventually(failing).toEqual([1, 0]);
  await eventually(playing).toBe(true);
});
