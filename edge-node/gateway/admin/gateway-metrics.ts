import type { Registry } from 'prom-client';
import { INPUT_ENDS, type InputEnd } from '../../../shared/errors.ts';
import { createRegistry, type Define, type Read } from '../../../shared/metrics/registry.ts';
import type { GatewayChannel } from '../channels/gateway-channel.ts';
import type { InputKeeper } from '../channels/input-keeper.ts';
import type { GatewayView } from './gateway-view.ts';
import { kernelDrops } from './kernel-drops.ts';

/** All metrics of a gateway. */
export function createGatewayMetrics(view: GatewayView): Registry {
  const { registry, counter, gauge } = createRegistry();
  feedMetrics(view, counter, gauge);
  channelMetrics(view, counter, gauge);
  inputMetrics(view, counter, gauge);
  return registry;
}

function feedMetrics(
  { feed, children, channels }: GatewayView,
  counter: Define,
  gauge: Define,
): void {
  gauge('gateway_edge_nodes', 'Edge nodes connected', [], () => feed.clients);
  counter(
    'gateway_edge_nodes_total',
    'Edge nodes that have ever connected',
    [],
    () => feed.accepted,
  );
  counter(
    'gateway_edge_nodes_dropped_total',
    'Edge nodes dropped because they let too much wait',
    [],
    () => feed.droppedClients,
  );
  counter('gateway_packets_total', 'Packets sent to each edge node', [], () => feed.packets);
  counter('gateway_bytes_total', 'Bytes sent to each edge node', [], () => feed.bytes);
  counter(
    'gateway_kernel_drops_total',
    'Datagrams that the kernel dropped, for want of room in receive buffers',
    [],
    () => kernelDrops(portsOf(channels)),
  );
  gauge('gateway_children', 'ffmpeg processes', [], () => children.running);
}

function portsOf(channels: GatewayView['channels']): Set<number> {
  const specs = [...channels.values()].flatMap(({ inputs }) => inputs.map(({ spec }) => spec));
  return new Set(specs.flatMap((spec) => (spec.kind === 'datagram' ? [spec.port] : [])));
}

function channelMetrics({ channels }: GatewayView, counter: Define, gauge: Define): void {
  const labels = ['channel'];
  const perChannel = (read: (channel: GatewayChannel) => number): Read => {
    return () => [...channels].map(([id, channel]) => [{ channel: id }, read(channel)]);
  };
  gauge(
    'gateway_channel_playing',
    '1 while bytes of the channel come',
    labels,
    perChannel(({ active }) => (active.isReceiving(performance.now()) ? 1 : 0)),
  );
  gauge(
    'gateway_channel_without_clock',
    '1 while no PCR comes and seconds are counted by arrival time',
    labels,
    perChannel(({ isWithoutClock }) => (isWithoutClock ? 1 : 0)),
  );
  counter(
    'gateway_channel_packets_total',
    'Packets made',
    labels,
    perChannel(({ feed }) => feed.packets),
  );
  counter(
    'gateway_channel_jumps_total',
    "Jumps of the stream's clock",
    labels,
    perChannel(({ counts }) => counts.jumps),
  );
  counter(
    'gateway_channel_suspect_slots_total',
    'Slots that a loss may have damaged, or whose number is uncertain',
    labels,
    perChannel(({ counts }) => counts.suspectSlots),
  );
  counter(
    'gateway_channel_delayed_slots_total',
    'Suspect slots that were held back for SUSPECT_DELAY_MS',
    labels,
    perChannel(({ feed }) => feed.delayedSlots),
  );
  counter(
    'gateway_channel_clock_losses_total',
    'Times that no PCR came for 1 s',
    labels,
    perChannel(({ counts }) => counts.clockLosses),
  );
  counter(
    'gateway_channel_switches_total',
    'Changes from one input to another',
    labels,
    perChannel(({ switches }) => switches),
  );
}

function inputMetrics({ channels }: GatewayView, counter: Define, gauge: Define): void {
  const labels = ['channel', 'input'];
  const inputs = function* (): Iterable<readonly [Record<string, string>, InputKeeper]> {
    for (const [channel, { inputs: keepers }] of channels) {
      for (const [index, keeper] of keepers.entries()) {
        yield [{ channel, input: String(index + 1) }, keeper];
      }
    }
  };
  const perInput = (read: (input: InputKeeper) => number): Read => {
    return () => [...inputs()].map(([labelled, input]) => [labelled, read(input)]);
  };
  gauge(
    'gateway_input_receiving',
    '1 while bytes of the input come',
    labels,
    perInput((input) => (input.isReceiving(performance.now()) ? 1 : 0)),
  );
  gauge(
    'gateway_input_failing',
    '1 while the input should come and does not; one in reserve, or played to its end, does not fail',
    labels,
    perInput((input) => (input.isFailing(performance.now()) ? 1 : 0)),
  );
  gauge(
    'gateway_input_bits_per_second',
    'Bit rate over the last second',
    labels,
    perInput(({ stats }) => stats.bitsPerSecond),
  );
  gauge(
    'gateway_input_pcr_interval_seconds',
    'Mean time between PCRs over the last second; 0 without any',
    labels,
    perInput(({ stats }) => stats.pcrIntervalMs / 1000),
  );
  gauge(
    'gateway_input_ahead_seconds',
    'What is read ahead of its time',
    labels,
    perInput(({ aheadMs }) => (aheadMs ?? 0) / 1000),
  );
  counter(
    'gateway_input_bytes_total',
    'Bytes received as MPEG-TS',
    labels,
    perInput(({ stats }) => stats.counts.bytes),
  );
  counter(
    'gateway_input_continuity_errors_total',
    'Packets whose counter does not go on',
    labels,
    perInput(({ stats }) => stats.counts.continuityErrors),
  );
  counter(
    'gateway_input_error_packets_total',
    'Packets that the receiver marked as broken',
    labels,
    perInput(({ stats }) => stats.counts.errorPackets),
  );
  counter(
    'gateway_input_sync_losses_total',
    'Times that packets were not where they were due',
    labels,
    perInput(({ stats }) => stats.counts.syncLosses),
  );
  counter(
    'gateway_input_rtp_lost_packets_total',
    'RTP packets that never came, or came too late',
    labels,
    perInput(({ stats }) => stats.counts.rtpLost),
  );
  counter(
    'gateway_input_opened_total',
    'Times that the input was opened',
    labels,
    perInput(({ stats }) => stats.opened),
  );
  counter('gateway_input_ends_total', 'Times that the input ended', [...labels, 'reason'], () =>
    [...inputs()].flatMap(([labelled, { stats }]) =>
      (Object.keys(INPUT_ENDS) as InputEnd[]).map(
        (reason) => [{ ...labelled, reason }, stats.ends.get(reason) ?? 0] as const,
      ),
    ),
  );
}
