import { once } from 'node:events';
import { connect } from 'node:net';
import { PacketDecoder } from '../../../edge-node/source/packet-decoder.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import { type Address, addressOf, nameOf } from '../../../shared/config/addresses.ts';
import type { Config } from '../../../shared/config.ts';
import { reasonOf } from '../../../shared/errors.ts';
import { edgeStatus } from '../edge-status.ts';
import { placesIn } from '../places.ts';
import { shown } from '../terminal/table.ts';
import { type Finding, ok, problem } from './finding.ts';

const ANSWER_WITHIN_MS = 3_000;
const START_ONE = 'start a source, such as: npm run gateway -- zato01=film.ts?loop';

/**
 * Whether the channel sources send. A running edge node is asked, since it knows; else each is connected to as an edge
 * node would, which begins to play what waits for one.
 */
export async function lookAtSource(config: Config): Promise<Finding> {
  const asked = await edgeStatus(placesIn(config).admin).catch(() => undefined);
  if (asked === undefined) return listenToEach(config);
  const { sources, channels } = asked;
  const away = sources.filter(({ state }) => state !== 'connected' && state !== 'standby');
  if (away.length > 0) {
    return problem(
      away.map((one) => `${shown(one.source)}: ${shown(one.reason ?? one.state)}`).join(', '),
      START_ONE,
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

/** The first problem, or that all send. */
async function listenToEach(config: Config): Promise<Finding> {
  const { CHANNEL_SOURCE_HOST, CHANNEL_SOURCE_PORT, MAX_PAYLOAD_BYTES } = config;
  const addresses = CHANNEL_SOURCE_HOST.map((node) => addressOf(node, CHANNEL_SOURCE_PORT));
  const findings = await Promise.all(
    addresses.map((address) => listenTo(address, MAX_PAYLOAD_BYTES)),
  );
  return findings.find(({ isOk }) => !isOk) ?? ok(findings.map(({ detail }) => detail).join(', '));
}

async function listenTo(address: Address, maxPayloadBytes: number): Promise<Finding> {
  const place = nameOf(address);
  const socket = connect({ ...address });
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
      return problem(`${place} does not answer: ${reasonOf(thrown)}`, START_ONE);
    }
    const isSilent = signal.aborted;
    return problem(
      isSilent ? `${place} takes connections and sends nothing` : `${place}: ${reasonOf(thrown)}`,
      'see that it is a channel source, and that its inputs play',
    );
  } finally {
    socket.on('error', () => {}).destroy();
  }
}
