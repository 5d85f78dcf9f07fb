import { createSocket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Clip, PACKET_MS } from '../../demo/media/clip.ts';
import { killServices, Service } from '../../demo/services/service.ts';
import { cleanEnvironment } from '../../local/environment.ts';
import { freePorts } from '../../local/free-ports.ts';
import { lacksTool } from './support/command.ts';
import { Prometheus } from './support/prometheus.ts';
import type { Section, Step } from './support/section.ts';

const HOST = '127.0.0.1';
const CHANNEL = 'zato01';

/** The gateway's alerts on a running gateway of one channel with two inputs, by the rules of infra/docker/monitoring. */
export const gatewayAlerts: Section = {
  title: "Gateway's alerts: a real Prometheus beside a gateway whose inputs fall silent",
  lacks: () => lacksTool('prometheus', '--version'),
  async run(step) {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-alerts-'));
    const [feed = 0, admin = 0, web = 0, first = 0, second = 0] = await freePorts(5);
    const senders = [new Sender(first), new Sender(second)] as const;
    const prometheus = await Prometheus.start(folder, web, 'gateway', `${HOST}:${admin}`);
    try {
      const gateway = () => startGateway({ folder, feed, admin, inputs: [first, second] });
      await play(step, { prometheus, senders, gateway });
    } finally {
      for (const sender of senders) sender.stop();
      prometheus.kill();
      killServices();
      await rm(folder, { recursive: true });
    }
  },
};

interface Played {
  readonly prometheus: Prometheus;
  readonly senders: readonly [Sender, Sender];
  readonly gateway: () => Promise<Service>;
}

async function play(step: Step, { prometheus, senders, gateway }: Played): Promise<void> {
  const [preferred, reserve] = senders;
  preferred.start();
  const running = await gateway();
  await step('one input plays, the other is in reserve', async () => {
    for (const alert of ['InputFails', 'ChannelSilent', 'GatewayDown', 'GatewayAbsent']) {
      await prometheus.quiet(alert);
    }
    return 'no alert';
  });
  await step('the input that plays falls silent, and the other takes over', async () => {
    preferred.stop();
    reserve.start();
    await prometheus.firing('InputFails');
    await prometheus.quiet('ChannelSilent');
    return 'InputFails fires, ChannelSilent does not';
  });
  await step('the other falls silent, too, and both come back', async () => {
    reserve.stop();
    await prometheus.firing('ChannelSilent');
    preferred.start();
    await prometheus.quiet('ChannelSilent');
    await prometheus.quiet('InputFails');
    return 'ChannelSilent fires; both resolve';
  });
  await step('the gateway is killed, and started again', async () => {
    running.kill();
    await prometheus.firing('GatewayDown');
    await gateway();
    await prometheus.quiet('GatewayDown');
    return 'GatewayDown fires, and resolves';
  });
  await step('nobody tells Prometheus of the gateway', async () => {
    const target = await prometheus.forget();
    await prometheus.firing('GatewayAbsent');
    await target.remember();
    await prometheus.quiet('GatewayAbsent');
    return 'GatewayAbsent fires, and resolves';
  });
}

interface GatewayParts {
  readonly folder: string;
  readonly feed: number;
  readonly admin: number;
  readonly inputs: readonly number[];
}

async function startGateway({ folder, feed, admin, inputs }: GatewayParts): Promise<Service> {
  const service = new Service({
    name: 'gateway',
    script: 'edge-node/gateway/main.ts',
    args: inputs.map((port) => `${CHANNEL}=udp://${HOST}:${port}`),
    env: {
      ...cleanEnvironment(process.env),
      GATEWAY_PORT: String(feed),
      GATEWAY_ADMIN_PORT: String(admin),
    },
    logFile: join(folder, 'gateway.log'),
  });
  await service.ready(`http://${HOST}:${admin}/readyz`);
  return service;
}

/** A clip as datagrams, at its own pace. */
class Sender {
  readonly #port: number;
  readonly #clip = Clip.load(CHANNEL);
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  start(): void {
    const socket = createSocket('udp4').unref();
    const beganMs = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      for (; sent * PACKET_MS <= performance.now() - beganMs; sent++) {
        socket.send(this.#clip.payload(sent), this.#port, HOST);
      }
    }, PACKET_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
