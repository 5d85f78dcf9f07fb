import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import type { EdgeStatus } from '../../../edge-node/admin/snapshot.ts';
import { topLines } from './top-view.ts';

const channel = (id: number) => ({
  channel: `zato${id}`,
  packetsPerSecond: 50,
  secondsPerSecond: 1,
  seconds: 60,
  emptyShare: 0,
  received: 1_000,
  stray: 0,
  duplicates: 0,
  jumps: 0,
  restarts: 0,
  held: 0,
  logBytes: 1_000,
  deliveredPackets: 1_000,
  lost: 0,
  late: 0,
  watchers: id,
  skippedPackets: 0,
});

const user = (id: number) => ({
  id,
  address: '127.0.0.1',
  client: '',
  user: `user-${id}`,
  channel: 'zato1',
  connectedSeconds: 61,
  seconds: 60,
  lagPackets: 1,
  skippedPackets: id,
});

function status(channels: number, users: number): EdgeStatus {
  return {
    version: '1.0.0',
    uptimeSeconds: 60,
    deliveryShare: 0,
    accepting: true,
    loadFactor: 1,
    source: {
      state: 'waiting',
      reason: 'gone\x1b[2J',
      connections: 1,
      bytes: 2048,
      framingLost: 0,
      silentSeconds: 0,
    },
    sources: [],
    store: {
      name: 'cassandra',
      answers: false,
      usage: {
        ...{ pendingRows: 3, oldestPendingMs: 61_000, rowsSaved: 0, rowsRefused: 0 },
        ...{ reachable: false, saveFailures: 1, rowsTooOld: 0, rowsWithoutRoom: 0, lastError: '' },
        spool: { files: 0, health: { kind: 'writable' } },
      },
    },
    memory: { logBytes: 1024, logMaxBytes: 4096, rssBytes: 1024 ** 2 },
    channels: Array.from({ length: channels }, (_, id) => channel(id)),
    usersTotal: users,
    usersMax: 20_000,
    usersWaiting: 0,
    users: Array.from({ length: users }, (_, id) => user(id)),
  };
}

it.each([
  [0, 0],
  [1, 1],
  [500, 0],
  [0, 1_000],
  [500, 1_000],
  [3, 1_000],
  [500, 3],
])('%i channels and %i users fit any screen, and none of it is left empty', (channels, users) => {
  for (let rows = 3; rows <= 60; rows += 1) {
    const lines = topLines('edge', status(channels, users), rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    const isCut = lines.some((line) => / more/.test(line));
    if (rows > 12 && isCut) expect(lines).toHaveLength(rows);
  }
});

it('shows what is wrong first, and nothing that a terminal would obey', () => {
  const crowded = status(40, 40);
  const silent = { ...channel(1), channel: 'dead', packetsPerSecond: 0 };
  const off = { ...channel(1), channel: 'off', billedWrongly: true };
  const all = { ...crowded, channels: [...crowded.channels, silent, off] };
  const lines = topLines('edge', all, 30).map(stripVTControlCharacters);
  const text = lines.join('\n');
  expect(text).toContain('(gone\ufffd[2J)');
  expect(text).toContain('3 pending rows, the oldest for 61 s');
  const firsts = lines.map((line) => line.split(' ')[0]);
  const from = firsts.indexOf('CHANNEL');
  expect(firsts.slice(from + 1, from + 4)).toEqual(['off', 'dead', 'zato39']);
  expect(firsts[firsts.indexOf('USER') + 1]).toBe('user-39');
});
