import { afterEach, describe, expect, test } from 'vitest';
import { MINUTE_MS, USAGE_WINDOW_MS } from '../../shared/limits.ts';
import { TestService } from './testing/test-service.ts';
import type { TestUser } from './testing/test-user.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';

let service: TestService;
afterEach(() => service.close());

const secondsOf = (packets: number) => Math.floor((packets * PACKET_MS) / 1000);

/** Sends packets and waits until every user has them. */
async function deliver(packets: number, ...users: TestUser[]): Promise<void> {
  const expected = users.map((user) => user.packets + packets);
  service.source.send(CHANNEL, packets);
  await service.eventually(() => users.map((user) => user.packets)).toEqual(expected);
}

/** What users received is what the store holds, to the packet, and what /usage tells, to the second. */
async function expectAccounted(user: string, packets: number): Promise<void> {
  await service.eventually(() => service.storedMs(user)).toBe(packets * PACKET_MS);
  expect(await service.usage(user)).toEqual({ [CHANNEL]: secondsOf(packets) });
}

describe('users who read to the end are accounted for every packet', () => {
  test('while they watch, in two sessions at once, and across reconnects', async () => {
    service = await TestService.start({ USAGE_FLUSH_MS: '500' });
    const edge = await service.startEdge();
    await service.register('one', 'two', 'three');
    const users = await service.watch(edge, CHANNEL, 'one', 'two', 'two', 'three');
    const [one, twice, again, leaving] = users as [TestUser, TestUser, TestUser, TestUser];
    await deliver(130, ...users);
    await service.leave(edge, leaving);
    await deliver(70, one, twice, again);
    const [back] = (await service.watch(edge, CHANNEL, 'three')) as [TestUser];
    await service.leave(edge, twice);
    await deliver(51, one, again, back);
    await expectAccounted('one', 251);
    await expectAccounted('two', 451);
    await expectAccounted('three', 181);
    expect([...users, back].map((user) => user.breaks)).toEqual([0, 0, 0, 0, 0]);
  });

  test("across a minute's turn", async () => {
    // The clocks of both services stand a moment before a full minute.
    const shiftMs = MINUTE_MS - (Date.now() % MINUTE_MS) - 4000;
    service = await TestService.start({ USAGE_FLUSH_MS: '500', CLOCK_SHIFT_MS: String(shiftMs) });
    const edge = await service.startEdge();
    await service.register('one');
    const [user] = (await service.watch(edge, CHANNEL, 'one')) as [TestUser];
    const minute = () => Math.floor((Date.now() + shiftMs) / MINUTE_MS);
    const first = minute();
    while (minute() === first) await deliver(10, user);
    await deliver(10, user);
    await expectAccounted('one', user.packets);
  }, 240_000);

  test('at SIGTERM in the middle of the stream, to the last packet that was sent, and in the next life on', async () => {
    service = await TestService.start();
    const edge = await service.startEdge();
    const names = Array.from({ length: 20 }, (_, i) => `user-${i}`);
    await service.register(...names);
    const users = await service.watch(edge, CHANNEL, ...names);
    service.source.play(CHANNEL, 500);
    await service
      .eventually(() => Math.min(...users.map((user) => user.packets)))
      .toBeGreaterThan(300);
    expect(await edge.process.end('SIGTERM')).toBe(0);
    await Promise.all(users.map((user) => user.closed));
    for (const user of users) {
      expect(await service.settledMs(user.id)).toBe(user.packets * PACKET_MS);
    }
    service.source.pause();
    const next = await service.startEdge();
    const [again] = (await service.watch(next, CHANNEL, 'user-0')) as [TestUser];
    await deliver(100, again);
    await expectAccounted('user-0', 100 + (users[0]?.packets ?? 0));
  });

  test('with START_AT=entry, for none that came before they did', async () => {
    // One run stays open for a second: who comes meanwhile begins with its first packet.
    const settings = { START_AT: 'entry', PACKET_BATCH_SIZE: '1000', DELIVERY_LINGER_MS: '1000' };
    service = await TestService.start({ ...settings, DELIVERY_LOAD_FACTOR: '1' });
    const edge = await service.startEdge();
    await service.register('early', 'late');
    const [early] = (await service.watch(edge, CHANNEL, 'early')) as [TestUser];
    await deliver(1, early);
    service.source.send(CHANNEL, 300);
    const received = async () => (await service.status(edge)).channels[0]?.received;
    await service.eventually(received).toBe(301);
    const [late] = (await service.watch(edge, CHANNEL, 'late')) as [TestUser];
    service.source.send(CHANNEL, 50);
    await service.eventually(() => early.packets).toBe(351);
    await service.eventually(() => late.lastSequence).toBe(early.lastSequence);
    expect(late.packets).toBeGreaterThan(50);
    await service.leave(edge, early, late);
    await expectAccounted('early', 351);
    await expectAccounted('late', 50);
  });
});

test('what was watched leaves /usage after 24 hours, and not before', async () => {
  service = await TestService.start();
  const edge = await service.startEdge();
  await service.register('one');
  const [user] = (await service.watch(edge, CHANNEL, 'one')) as [TestUser];
  await deliver(1000, user);
  await service.leave(edge, user);
  await expectAccounted('one', 1000);
  const later = async (ms: number) => {
    const { origin } = await service.startFunctions({ CLOCK_SHIFT_MS: String(ms) });
    return service.usage('one', origin);
  };
  expect(await later(USAGE_WINDOW_MS - 2 * MINUTE_MS)).toEqual({ [CHANNEL]: 20 });
  expect(await later(USAGE_WINDOW_MS + 2 * MINUTE_MS)).toEqual({});
});
