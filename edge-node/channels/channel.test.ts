import { describe, expect, it } from 'vitest';
import type { ChannelId } from '../../shared/ids.ts';
import { packetOf } from '../ordering/testing/packets.ts';
import { Channel, type ChannelEvents } from './channel.ts';
import { LogBudget } from './log-budget.ts';
import { MemoryRelief } from './memory-relief.ts';
import { RunLimits } from './run.ts';

const MIB = 1024 * 1024;
const PAYLOAD = Buffer.alloc(1316, 1);
const STRAY = Buffer.alloc(MIB, 2);

interface Told {
  lingers: number;
  closed: number;
}

function channelWith(budget: LogBudget, all: Channel[] = []): { channel: Channel; told: Told } {
  const told = { lingers: 0, closed: 0 };
  const events: ChannelEvents = {
    runLingers: () => {
      told.lingers += 1;
    },
    runsClosed: () => {
      told.closed += 1;
    },
    memoryShort: () => new MemoryRelief(budget, all).relieve(),
    packetsWait: () => {},
    secondsOff: () => {},
  };
  const channel = new Channel({
    id: 'zato01' as ChannelId,
    reorder: { maxPackets: 1024, maxBytes: 4 * MIB, deadlineMs: 1000, settleMs: 200 },
    log: { maxBytes: 8 * MIB, maxMs: 5000, entryMaxAgeMs: 15_000 },
    run: new RunLimits(1000, 100),
    budget,
    sources: undefined,
    packetDurationMs: 20,
    events,
    nowMs: 0,
  });
  all.push(channel);
  return { channel, told };
}

function push(channel: Channel, sequence: number, payload: Buffer, nowMs = 0): void {
  channel.push(packetOf(payload, BigInt(sequence), nowMs));
}

describe('a channel', () => {
  it('lets a run linger from its first packet on', () => {
    const { channel, told } = channelWith(new LogBudget(512 * MIB));
    expect(channel.lingersFromMs).toBeUndefined();
    push(channel, 0, PAYLOAD.subarray(0, 100), 3);
    push(channel, 1, PAYLOAD.subarray(0, 100), 5);
    expect(channel.lingersFromMs).toBe(3);
    expect(told.lingers).toBe(1);
  });

  it('lets a run that opens while watchers are sent those before it linger once all had their turn', () => {
    const { channel, told } = channelWith(new LogBudget(512 * MIB));
    push(channel, 0, PAYLOAD, 0);
    channel.closeRun(10);
    push(channel, 1, PAYLOAD, 12);
    expect(channel.lingersFromMs).toBeUndefined();
    channel.roundEnded(30);
    expect(channel.lingersFromMs).toBe(30);
    expect(told.lingers).toBe(2);
    channel.closeRun(40);
    channel.roundEnded(45);
    expect(told.lingers).toBe(2);
    push(channel, 2, PAYLOAD, 50);
    expect(channel.lingersFromMs).toBe(50);
    expect(told.lingers).toBe(3);
  });

  it('closes full runs whether or not a round is under way, and lets the one that is open after it linger', () => {
    const { channel, told } = channelWith(new LogBudget(512 * MIB));
    for (let sequence = 0; sequence < 500; sequence += 1) push(channel, sequence, PAYLOAD);
    const { endRun } = channel.log;
    expect(endRun).toBeGreaterThan(5);
    expect(channel.log.openedMs).toBe(0);
    expect(told).toEqual({ lingers: 1, closed: endRun });
    channel.roundEnded(7);
    expect(channel.lingersFromMs).toBe(7);
    expect(told.lingers).toBe(2);
  });
});

describe('the memory of all channels', () => {
  it('is not for strays of other channels to keep: they go before a healthy one is left without a log', () => {
    const budget = new LogBudget(64 * MIB);
    const all: Channel[] = [];
    for (let i = 0; i < 50; i += 1) {
      const { channel } = channelWith(budget, all);
      push(channel, 0, PAYLOAD);
      for (const far of [10_000, 20_000, 30_000]) push(channel, far, STRAY);
    }
    const { channel } = channelWith(budget, all);
    for (let sequence = 0; sequence < 500; sequence += 1) push(channel, sequence, PAYLOAD);
    expect(budget.usedBytes).toBeLessThanOrEqual(64 * MIB);
    expect(channel.log.firstRun).toBe(0);
  });

  it('is not for channels that settle to keep: a healthy one goes on beside many, and loses no packet', () => {
    const budget = new LogBudget(64 * MIB);
    const all: Channel[] = [];
    const { channel } = channelWith(budget, all);
    const noisy = Array.from({ length: 200 }, () => channelWith(budget, all).channel);
    // Each of the noisy ones gathers for an epoch that begins above 0: all together 4 times the memory.
    for (let round = 0; round < 1000; round += 1) {
      push(channel, round, PAYLOAD);
      for (const each of noisy) push(each, 5000 + round, PAYLOAD);
      expect(budget.usedBytes).toBeLessThanOrEqual(64 * MIB);
      channel.closeRun(0);
      // Whoever watches it has taken the run of a round before the next one comes.
      expect(channel.log.firstRun).toBeLessThanOrEqual(round);
    }
    expect(channel.counters).toMatchObject({ ordered: 1000, lost: 0 });
  });

  it('is not taken from a channel that waits for one packet by another that keeps megabytes waiting', () => {
    const budget = new LogBudget(16 * MIB);
    const all: Channel[] = [];
    const { channel } = channelWith(budget, all);
    for (const sequence of [0, 2, 3]) push(channel, sequence, PAYLOAD);
    for (let noisy = 0; noisy < 20; noisy += 1) {
      const { channel: other } = channelWith(budget, all);
      for (const sequence of [0, 2, 3, 4]) push(other, sequence, STRAY.subarray(0, MIB - 1000));
    }
    push(channel, 1, PAYLOAD);
    expect(channel.counters).toMatchObject({ ordered: 4, lost: 0, late: 0 });
    expect(budget.usedBytes).toBeLessThanOrEqual(16 * MIB);
  });

  it('is all given back by a channel that is forgotten, strays included', () => {
    const budget = new LogBudget(512 * MIB);
    const { channel } = channelWith(budget);
    for (const sequence of [0, 1, 2, 5, 10_000]) push(channel, sequence, PAYLOAD);
    channel.clear(0);
    expect(channel.heldPackets).toBe(0);
    expect(budget.usedBytes).toBe(0);
  });
});
