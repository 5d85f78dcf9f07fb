import { once } from 'node:events';
import { connect } from 'node:net';
import { PacketDecoder } from '../../../edge-node/source/packet-decoder.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import type { Config } from '../../../shared/config.ts';
import { edgeStatus } from '../edge-status.ts';
import { placesIn } from '../places.ts';
import { shown } from '../terminal/table.ts';
import { because, type Finding, ok, problem } from './finding.ts';

const ANSWER_WITHIN_MS = 3_000;

/**
 * Whether the channel source sends. A running edge node is asked, since it knows; else it is connected to as an edge
 * node would, which begins to play what waits for one.
 */
export async function lookAtSource(config: Config): Promise<Finding> {
  const { CHANNEL_SOURCE_HOST: host, CHANNEL_SOURCE_PORT: port } = config;
  const asked = await edgeStatus(placesIn(config).admin).catch(() => undefined);
  if (asked === undefined) return listenTo(host, port, config.MAX_PAYLOAD_BYTES);
  const { source, channels } = asked;
  if (source.state !== 'connected') {
    return problem(
      `${host}:${port}: ${shown(source.reason ?? source.state)}`,
      'start a source, such as: npm run gateway -- zato01=film.ts?loop',
    );
  }
  const sending = channels.filter(({ packetsPerSecond }) => packetsPerSecond > 0).length;
  if (sending > 0)
    return ok(`the edge node is connected, ${sending} of ${channels.length} channels send`);
  return problem(
    'the edge node is connected, and no channel sends',
    'look at the source and its inputs',
  );
}

async function listenTo(host: string, port: number, maxPayloadBytes: number): Promise<Finding> {
  const place = `${host}:${port}`;
  const socket = connect({ host, port });
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  let isConnected = false;
  let packets = 0;
  const decoder = new PacketDecoder(maxPayloadBytes, {
    packet: () => {
      packets += 1;
      return true;
    },
  });
  try {
    await once(socket, 'connect', { signal });
    isConnected = true;
    while (packets === 0) {
      const [chunk] = (await once(socket, 'data', { signal })) as [Buffer];
      decoder.push(chunk, monotonicMs());
    }
    return ok(`${place} sends`);
  } catch (thrown) {
    if (!isConnected) {
      return problem(
        `${place} does not answer: ${because(thrown)}`,
        'start a source, such as: npm run gateway -- zato01=film.ts?loop',
      );
    }
    const isSilent = signal.aborted;
    return problem(
      isSilent ? `${place} takes connections and sends nothing` : `${place}: ${because(thrown)}`,
      'see that it is a channel source, and that its inputs play',
    );
  } finally {
    socket.on('error', () => {}).destroy();
  }
}
