import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { freeUdpPorts } from '../../infra/local/free-ports.ts';
import { EdgeRig } from '../testing/edge-rig.ts';
import { randomOf } from '../testing/random.ts';
import { STAY_BEHIND_SLOTS } from './slicing/slot-rules.ts';
import { DatagramSender, GatewayRig } from './testing/gateway-rig.ts';
import { rtpPacket, TestStream } from './testing/test-stream.ts';

const CHANNEL = 'zato01';
/** By so much both may be held up, one against the other: what one lost is waited for from the other. */
const DELAYS = { SUSPECT_DELAY_MS: '2000', REORDER_DEADLINE_MS: '5000' };
/** What is sent of the stream, and after how much of it one gateway is killed. */
const [UNITS, KILLED_AFTER] = process.env.E2E_LONG === '1' ? [6000, 4000] : [900, 600];
/** Eight times the stream's own time: what waits for SUSPECT_DELAY_MS is to stay within the reorder window of 1,024. */
const [BURST_UNITS, BURST_MS] = [20, 50];
/** So many slots pass before a gateway is certain of where they begin. */
const UNSURE_UNITS = 6;
/**
 * Losses of one and of the other closer than that leave a slot that is suspect at both, and users get whichever comes
 * first: a loss damages the slot before it, and a gateway is certain again STAY_BEHIND_SLOTS past the first PCR after it.
 */
const APART_UNITS = STAY_BEHIND_SLOTS + 2;

it('an edge node merges two gateways on one RTP stream: users miss only what both lost, one killed or not', async () => {
  const seed = Number(process.env.MERGE_SEED ?? Math.floor(Math.random() * 2 ** 32));
  const random = randomOf(seed);
  const ports = await freeUdpPorts(2);
  const gateways = await Promise.all(
    ports.map((port) =>
      GatewayRig.start([`${CHANNEL}=rtp://127.0.0.1:${port}`], {
        ...DELAYS,
        SILENCE_MS: '5000',
      }),
    ),
  );
  const list = gateways.map(({ port }) => `127.0.0.1:${port}`).join();
  const rig = await EdgeRig.start({ CHANNEL_SOURCE_HOST: list, ...DELAYS }, 'away');
  await rig.eventually(() => rig.metric('source_up')).toBe(2);
  const user = await rig.watch('user-1', CHANNEL);

  const senders = ports.map((port) => new DatagramSender(port));
  const stream = new TestStream({ pcrEveryMs: 20 });
  const payloads = [stream.tables(), ...stream.units(UNITS)];
  const came: Buffer[] = [];
  const lostAt = senders.map(() => Number.NEGATIVE_INFINITY);
  let lostByBoth = 0;
  for (const [index, payload] of payloads.entries()) {
    if (index === KILLED_AFTER) {
      // What the one that is killed has alone came to the user first, all but the slot that is still open.
      const closed = Buffer.concat(came).length - (came.at(-1)?.length ?? 0);
      const hasClosed = () => user.receivedBytes >= closed;
      await rig.eventually(() => `seed ${seed}: ${hasClosed()}`).toBe(`seed ${seed}: true`);
      await gateways[1]?.stop();
    }
    const packet = rtpPacket(payload, { sequence: 60_000 + index });
    // The other's open slot dies with it, so the one that stays has to have what comes about then.
    const isWhole = index <= UNSURE_UNITS || Math.abs(index - KILLED_AFTER) < 10;
    const living = index < KILLED_AFTER ? senders : senders.slice(0, 1);
    const by = living.filter((sender) => {
      const others = lostAt.filter((_, gateway) => senders[gateway] !== sender);
      const areApart = others.every((at) => index - at > APART_UNITS);
      return random() >= 0.005 || isWhole || !areApart;
    });
    for (const [gateway, sender] of senders.entries()) {
      if (by.includes(sender)) await sender.send(packet);
      else if (living.includes(sender)) lostAt[gateway] = index;
    }
    const isClosed = index > UNSURE_UNITS && index < payloads.length - 1;
    if (isClosed && by.length > 0) came.push(payload);
    if (isClosed && by.length === 0) lostByBoth += 1;
    if (index % BURST_UNITS === 0) await sleep(BURST_MS);
  }
  // A last one, which closes the slot before it.
  const expected = Buffer.concat(came);
  await rig
    .eventually(() => `seed ${seed}: ${user.receivedBytes}`)
    .toBe(`seed ${seed}: ${expected.length}`);
  expect(user.bytes.equals(expected), `seed ${seed}`).toBe(true);
  expect(user.isWatching).toBe(true);
  expect(lostByBoth).toBeLessThan(UNITS / 20);
  expect(await rig.metric('channel_restarts_total', CHANNEL)).toBe(0);
  expect(await rig.metric('channel_jumps_total', CHANNEL)).toBe(0);
}, 180_000);
