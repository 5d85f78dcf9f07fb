import { bytes, host, integer, MIB, port, setting, text } from './setting.ts';

/** What the gateway is set by, besides LOG_LEVEL, ADMIN_HOST, MAX_PAYLOAD_BYTES and PACKET_DURATION_MS. */
export const GATEWAY_SETTINGS = {
  'The gateway': {
    GATEWAY_HOST: setting(
      host,
      '127.0.0.1',
      'Address that edge nodes connect to; `--host` over it.',
    ),
    GATEWAY_PORT: setting(port, '9110', 'Its port; 0 takes a free one; `--port` over it.'),
    GATEWAY_ADMIN_PORT: setting(
      port,
      '9114',
      'Port of `/healthz`, `/readyz`, `/metrics` and `/status` of the gateway, at `ADMIN_HOST`; 0 takes a free one.',
    ),
    CHANNELS_FILE: setting(
      text,
      '',
      'The channels, as JSON or M3U; `list.m3u?group=News` takes those of one group. When it changes, only the channels that changed start anew.',
    ),
    SILENCE_MS: setting(
      integer(100, 600_000),
      '2000',
      'An input that sends nothing for so long, in ms, is given up: the next input of the channel takes over, and this one is tried again. Shorter switches sooner and forgives less.',
    ),
    SUSPECT_DELAY_MS: setting(
      integer(0, 10_000),
      '0',
      "0 for a gateway alone. Of two that hear the same UDP or RTP, each numbers packets by the stream's clock and sends those that a loss may have damaged so much later, in ms, that the other's whole ones win: 300. Less than `REORDER_DEADLINE_MS`.",
    ),
    RECV_BUFFER: setting(
      bytes(64 * 1024, 256 * MIB),
      '4 MiB',
      'Receive buffer of each UDP socket. The kernel cuts it at `net.core.rmem_max`; a smaller one loses datagrams in bursts.',
    ),
    FFMPEG_PATH: setting(
      text,
      'ffmpeg',
      'The ffmpeg that receives what is neither UDP, RTP nor plain MPEG-TS.',
    ),
  },
} as const;
