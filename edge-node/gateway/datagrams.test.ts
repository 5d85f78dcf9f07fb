import { describe, expect, it } from 'vitest';
import { freeUdpPorts } from '../../infra/local/free-ports.ts';
import { DatagramSender, eventually, freeUdpPort, GatewayRig } from './testing/gateway-rig.ts';
import { rtpPacket, TestStream } from './testing/test-stream.ts';

const CHANNEL = 'zato01';

describe('UDP', () => {
  it('goes through whole and numbered on, the last bytes too once it has fallen silent', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://127.0.0.1:${port}`]);
    const edge = await rig.listen();
    const stream = new TestStream();
    const datagrams = [stream.tables(), ...stream.units(50)];
    const sender = new DatagramSender(port);
    await sender.send(...datagrams);
    const sent = Buffer.concat(datagrams);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe(sent.length);
    expect(edge.bytesOf(CHANNEL).equals(sent)).toBe(true);
    expect(edge.breaksOf(CHANNEL)).toBe(0);
    expect(edge.of(CHANNEL).length).toBe(49 * 2 + 1);
    expect((edge.of(CHANNEL)[0]?.sequence ?? 0n) & 0xffff_ffffn).toBe(0n);
  });

  it('goes on after its sender was gone: what never came is not counted', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://127.0.0.1:${port}`]);
    const edge = await rig.listen();
    const sender = new DatagramSender(port);
    const before = new TestStream({ firstMs: 1_000_000 });
    await sender.send(before.tables(), ...before.units(10));
    const opened = async () => (await rig.status()).channels[0]?.inputs[0]?.opened;
    await eventually(opened).toBeGreaterThanOrEqual(2);
    const after = new TestStream({ firstMs: 5_000_000, mark: 1 });
    await sender.send(after.tables(), ...after.units(10));
    await eventually(() => edge.of(CHANNEL).length).toBe(2 * (9 * 2 + 1));
    expect(edge.breaksOf(CHANNEL)).toBe(0);
  });

  it('that a late event loop has not read yet is not silent: no datagram is lost by that', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://127.0.0.1:${port}`], {
      SILENCE_MS: '500',
    });
    const edge = await rig.listen();
    const stream = new TestStream();
    const sender = new DatagramSender(port);
    const first = [stream.tables(), ...stream.units(10)];
    await sender.send(...first);
    await eventually(() => edge.of(CHANNEL).length).toBeGreaterThan(0);
    const rest = stream.units(10);
    // In the kernel before the loop is held up, and its timers are first to go on.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => {
      void Promise.all(rest.map((datagram) => sender.send(datagram)));
      process.nextTick(() =>
        process.nextTick(() => {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
          resolve();
        }),
      );
    });
    const sent = Buffer.concat([...first, ...rest]);
    await eventually(() => edge.bytesOf(CHANNEL).equals(sent)).toBe(true);
  });

  it('from which a datagram is missing is still whole but for that, and its loss is counted', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://127.0.0.1:${port}`]);
    const edge = await rig.listen();
    const stream = new TestStream();
    const datagrams = [stream.tables(), ...stream.units(20)];
    const sent = datagrams.filter((_, index) => index !== 10);
    await new DatagramSender(port).send(...sent);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe(Buffer.concat(sent).length);
    const [input] = (await rig.status()).channels[0]?.inputs ?? [];
    expect(input?.continuityErrors).toBe(1);
    expect(edge.of(CHANNEL).length).toBe(19 * 2 + 1);
  });

  it('of which one program is taken names that program alone', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://127.0.0.1:${port}?program=2`]);
    const edge = await rig.listen();
    const [one, two] = [new TestStream({ program: 1 }), new TestStream({ program: 2, mark: 2 })];
    const tables = Buffer.concat([one.tables([one, two]), two.map()]);
    const units = Array.from({ length: 10 }, () => [one.unit(), two.unit()]).flat();
    await new DatagramSender(port).send(tables, ...units);
    const kept = Buffer.concat(units.filter((_, index) => index % 2 === 1));
    const alone = new TestStream({ program: 2 }).tables();
    const expected = Buffer.concat([alone, kept]);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe(expected.length);
    expect(edge.bytesOf(CHANNEL).equals(expected)).toBe(true);
  });

  it('of one sender alone is taken from that one', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://127.0.0.1@127.0.0.1:${port}`]);
    const edge = await rig.listen();
    const stream = new TestStream();
    const stranger = new DatagramSender(port);
    await stranger.onInterface('127.0.0.2');
    await stranger.send(new TestStream({ mark: 9 }).unit());
    const sent = [stream.tables(), ...stream.units(5)];
    await new DatagramSender(port).send(...sent);
    await eventually(() => edge.bytesOf(CHANNEL).equals(Buffer.concat(sent))).toBe(true);
  });

  it('of a group is heard on the interface asked for', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://@239.255.77.1:${port}?iface=lo`]);
    const edge = await rig.listen();
    const stream = new TestStream();
    const sender = new DatagramSender(port, '239.255.77.1');
    await sender.onInterface('127.0.0.1');
    await sender.send(stream.tables(), ...stream.units(10));
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe((2 + 70) * 188);
    // A neighbour's group at the same port is another channel.
    const foreign = new DatagramSender(port, '239.255.77.2');
    await foreign.onInterface('127.0.0.1');
    await foreign.send(...stream.units(10));
    await sender.send(...new TestStream({ firstMs: 90_000 }).units(2));
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe((2 + 84) * 188);
  });
});

describe('RTP', () => {
  it('is put in order, whatever its headers hold, and seen from the datagram', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=udp://127.0.0.1:${port}`]);
    const edge = await rig.listen();
    const stream = new TestStream();
    const payloads = [stream.tables(), ...stream.units(30)];
    const packets = payloads.map((payload, index) =>
      rtpPacket(payload, {
        sequence: 65_530 + index,
        csrcs: index % 3,
        padding: index % 4,
        ...(index % 2 === 1 && { extension: index % 5 }),
      }),
    );
    // Each third packet comes after the one behind it.
    for (let index = 3; index + 1 < packets.length; index += 3) {
      packets.splice(index, 2, ...packets.slice(index, index + 2).reverse());
    }
    // Together: who waits for each may be held up for longer than a missing one is waited for.
    const sender = new DatagramSender(port);
    await Promise.all(packets.map((packet) => sender.send(packet)));
    const sent = Buffer.concat(payloads);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe(sent.length);
    expect(edge.bytesOf(CHANNEL).equals(sent)).toBe(true);
  });

  it('of another SSRC is another stream, and damaged datagrams harm nobody', async () => {
    const port = await freeUdpPort();
    const rig = await GatewayRig.start([`${CHANNEL}=rtp://127.0.0.1:${port}`]);
    const edge = await rig.listen();
    const sender = new DatagramSender(port);
    const one = new TestStream();
    const two = new TestStream({ firstMs: 500_000, mark: 2 });
    const first = [one.tables(), ...one.units(5)];
    const second = [two.tables(), ...two.units(5)];
    await sender.send(...first.map((unit, index) => rtpPacket(unit, { sequence: 9000 + index })));
    const damaged = rtpPacket(Buffer.alloc(0), { sequence: 9006, csrcs: 15 }).subarray(0, 13);
    const padded = rtpPacket(Buffer.alloc(5), { sequence: 9006, padding: 255 }).subarray(200);
    await sender.send(damaged, padded);
    await sender.send(
      ...second.map((unit, index) => rtpPacket(unit, { sequence: 40 + index, ssrc: 8 })),
    );
    const sent = Buffer.concat([...first, ...second]);
    await eventually(() => edge.bytesOf(CHANNEL).length).toBe(sent.length);
    expect(edge.bytesOf(CHANNEL).equals(sent)).toBe(true);
    expect((await rig.status()).channels[0]?.jumps).toBe(1);
  });

  it('heard by two gateways with losses of their own: every slot that one has clean is whole at one', async () => {
    const ports = await freeUdpPorts(2);
    const settings = { SUSPECT_DELAY_MS: '100', SILENCE_MS: '2000' };
    const pair = await Promise.all(
      ports.map(async (port) => {
        const rig = await GatewayRig.start([`${CHANNEL}=rtp://127.0.0.1:${port}`], settings);
        return { edge: await rig.listen(), sender: new DatagramSender(port) };
      }),
    );
    const stream = new TestStream({ pcrEveryMs: 20 });
    const payloads = [stream.tables(), ...stream.units(400)];
    const isLost = (index: number, gateway: number) => index % 50 === 20 + gateway * 15;
    for (const [index, payload] of payloads.entries()) {
      const packet = rtpPacket(payload, { sequence: 60_000 + index });
      for (const [gateway, { sender }] of pair.entries()) {
        if (!isLost(index, gateway)) await sender.send(packet);
      }
    }
    const [one, two] = pair.map(({ edge }) => edge);
    // Certain from the seventh slot on; the last stays open.
    const first = 60_000 / 20 + 6;
    const last = 60_000 / 20 + 398;
    const count = last - first + 1;
    await eventually(() => one?.of(CHANNEL).length).toBe(count);
    await eventually(() => two?.of(CHANNEL).length).toBe(count);
    for (let slot = first; slot <= last; slot += 1) {
      const unit = payloads[slot - 60_000 / 20 + 1];
      const made = [one, two].map((edge) =>
        edge?.of(CHANNEL).find(({ sequence }) => sequence === BigInt(slot)),
      );
      expect(made.some((packet) => unit !== undefined && packet?.payload.equals(unit))).toBe(true);
    }
  });
});
