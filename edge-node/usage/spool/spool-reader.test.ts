import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import type { Minute, WriterId } from '../../../shared/ids.ts';
import { minuteOf } from '../../../shared/ids.ts';
import { MINUTE_MS } from '../../../shared/limits.ts';
import { LogLimiter } from '../../../shared/logger.ts';
import { livingRows } from '../../../shared/store/row-life.ts';
import type { Store, UsageRow } from '../../../shared/store/store.ts';
import { usageRow } from '../../../shared/store/testing/usage-row.ts';
import { MemoryStore } from '../../../shared/testing/memory-store.ts';
import { newWriterId } from '../meter.ts';
import { spoolFile } from '../testing/spool-file.ts';
import { SpoolFileEncoder } from './spool-file.ts';
import { namesOf, SpoolFolder } from './spool-folder.ts';
import { SpoolLease } from './spool-lease.ts';
import { SpoolReader } from './spool-reader.ts';

const NOW = minuteOf(Date.now());
const DAY = 24 * 60;

let root: string;
let folder: SpoolFolder;
let store: MemoryStore;
let log: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spool-reader-'));
  folder = new SpoolFolder(join(root, 'spool'));
  store = new MemoryStore();
  log = [];
});
const leases: SpoolLease[] = [];
afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.release();
  await rm(root, { recursive: true });
});

function reader(
  skips: (name: string) => boolean = () => false,
  save: Store['saveUsage'] = (rows) => store.saveUsage(rows),
  clock = systemClock(),
): SpoolReader {
  const limiter = new LogLimiter(pino({}, { write: (line: string) => log.push(line) }));
  const owner = newWriterId();
  const lease = new SpoolLease(folder, owner, clock);
  leases.push(lease);
  return new SpoolReader({
    folder,
    owner,
    lease,
    clock,
    newName: namesOf(owner),
    limiter,
    skips,
    isStoreReady: () => true,
    save: async (rows) => {
      const refused = await save(rows);
      return { kind: 'answered', refused: new Set(refused.map(({ row }) => row)) };
    },
  });
}

/** A file with a row of 20 ms for each minute. */
function mixed(writer: string, minutes: readonly number[]): Buffer {
  const encoder = new SpoolFileEncoder(writer as WriterId);
  encoder.add(minutes.map((minute) => usageRow({ minute: minute as Minute })));
  return encoder.finish();
}

const files = async () => (await folder.list()).files;

/** What is in the folder but the leases. */
const left = async () => (await readdir(folder.path)).filter((name) => !name.endsWith('.alive'));

describe('the spool reader', () => {
  test('stores files of any writer in batches, and removes what is stored', async () => {
    await folder.write('aa.1', spoolFile('aa', 1000));
    await folder.write('bb.7', spoolFile('bb', 3));
    await reader().pass();
    expect(store.totalMs()).toBe(1003 * 20);
    expect(Math.max(...store.calls.map((rows) => rows.length))).toBeLessThanOrEqual(128);
    expect(await left()).toEqual([]);
  });

  test('leaves the files of its own living writer alone', async () => {
    await folder.write('aa.1', spoolFile('aa', 1));
    await reader((name) => name === 'aa.1').pass();
    expect(store.calls).toEqual([]);
    expect(await files()).toEqual(['aa.1']);
  });

  test('keeps a file whose rows the store did not take to the last', async () => {
    await folder.write('aa.1', spoolFile('aa', 200));
    let calls = 0;
    const save = async (rows: readonly UsageRow[]) => {
      calls += 1;
      if (calls === 2) throw new Error('away');
      return store.saveUsage(rows);
    };
    const failing = reader(undefined, save);
    await expect(failing.pass()).rejects.toThrow('away');
    expect(await files()).toHaveLength(1);
    await failing.pass();
    expect(store.totalMs()).toBe(200 * 20);
    expect(await files()).toEqual([]);
  });

  test('two readers of one folder lose nothing and count nothing twice', async () => {
    for (let n = 1; n <= 10; n += 1) await folder.write(`a${n}.1`, spoolFile(`a${n}`, 50));
    await Promise.all([reader().pass(), reader().pass()]);
    expect(store.totalMs()).toBe(10 * 50 * 20);
    expect(await left()).toEqual([]);
    expect(log).toEqual([]);
  });

  test('sets a damaged file aside with one line, and reads the others', async () => {
    const torn = spoolFile('aa', 5);
    await folder.write('aa.1', torn.subarray(0, torn.length - 3));
    await folder.write('aa.2', spoolFile('aa', 5));
    const both = reader();
    await both.pass();
    await both.pass();
    expect(store.totalMs()).toBe(5 * 20);
    expect(await left()).toEqual(['aa.1.damaged']);
    expect(both.stats.filesDamaged).toBe(1);
    expect(log).toHaveLength(1);
    expect(log[0]).toContain('aa.1');
  });

  describe('rows older than a day', () => {
    /** A clock in a test's hands. */
    const time = { ms: 0, aheadMs: 0 };
    const clock = {
      monotonicMs: () => time.ms,
      epochMs: () => NOW * MINUTE_MS + time.ms + time.aheadMs,
    };
    beforeEach(() => Object.assign(time, { ms: 0, aheadMs: 0 }));

    test('hold up no others, and are dropped and counted once they are so by any clock', async () => {
      await folder.write('aa.1', spoolFile('aa', 4, NOW - DAY - 1));
      await folder.write('aa.2', spoolFile('aa', 3, NOW - DAY + 5));
      const one = reader(undefined, undefined, clock);
      await one.pass();
      expect(one.stats).toMatchObject({ rowsTooOld: 0, rowsDoubted: 4, rowsRead: 3, filesRead: 1 });
      expect(store.rows).toHaveLength(3);
      time.ms = DAY * MINUTE_MS - 1;
      await one.pass();
      expect(await left()).toHaveLength(1);
      time.ms += 20 * MINUTE_MS;
      await one.pass();
      expect(one.stats).toMatchObject({ rowsTooOld: 4, rowsRead: 3, filesRead: 2 });
      expect(await left()).toEqual([]);
    });

    test('by a step of the clock that comes between two saves stay, too', async () => {
      await folder.write('aa.1', spoolFile('aa', 300));
      const save: Store['saveUsage'] = (rows) => {
        if (store.calls.length === 1) time.aheadMs = 30 * 60 * MINUTE_MS;
        return store.saveUsage(livingRows(rows, clock.epochMs()));
      };
      const one = reader(undefined, save, clock);
      await one.pass();
      time.aheadMs = 0;
      time.ms += MINUTE_MS;
      await one.pass();
      expect(store.rows).toHaveLength(300);
      expect(await left()).toEqual([]);
    });

    test('by a clock that is put right are stored then, and by whoever has the file', async () => {
      await folder.write('aa.1', spoolFile('aa', 4));
      await folder.write('bb.1', mixed('bb', [NOW, NOW + 30 * 60]));
      time.aheadMs = 30 * 60 * MINUTE_MS;
      const one = reader(undefined, undefined, clock);
      await one.pass();
      expect(store.rows).toHaveLength(1);
      expect(await files()).toHaveLength(2);
      expect(log.join()).toContain('in case it is put right');
      time.aheadMs = 0;
      time.ms += MINUTE_MS;
      await one.pass();
      expect(store.rows).toHaveLength(6);
      expect(one.stats).toMatchObject({ rowsTooOld: 0, filesRead: 2 + 1 });
      expect(await left()).toEqual([]);
    });
  });

  test('a file that cannot be read holds up no other', async () => {
    await folder.write('bb.1', spoolFile('bb', 2));
    const blocked = reader();
    const { read } = folder;
    folder.read = (name) =>
      name === 'aa.1' ? Promise.reject(new Error('EIO')) : read.call(folder, name);
    await folder.write('aa.1', spoolFile('aa', 2));
    await blocked.pass();
    expect(store.totalMs()).toBe(2 * 20);
    expect(blocked.stats.filesFailed).toBe(1);
    expect(await files()).toEqual(['aa.1']);
  });
});

describe('what fails on the disk is told by its operation and its file', () => {
  /** The lines of a pass over a whole and a damaged file, in which an operation fails; each line as operation and file. */
  async function toldWhere(
    operation: 'list' | 'sweep' | 'writtenMs' | 'read' | 'rename' | 'setAside' | 'write' | 'remove',
  ) {
    await folder.write('aa.1', spoolFile('aa', 3));
    await folder.write('bb.1', Buffer.from('torn'));
    const refusingOne: Store['saveUsage'] = async (rows) => {
      await store.saveUsage(rows.slice(1));
      return rows.slice(0, 1).map((row) => ({ row, error: new Error('its replicas are away') }));
    };
    const one = reader(undefined, operation === 'write' ? refusingOne : undefined);
    Object.assign(folder, { [operation]: () => Promise.reject(new Error('EIO')) });
    await one.pass();
    return {
      one,
      told: log
        .map((line) => JSON.parse(line))
        .filter(({ err }) => err?.message === 'EIO')
        .map(({ msg, file: name }) => [msg, name]),
    };
  }

  test.each([
    ['list', /folder cannot be listed/, ['spool']],
    ['sweep', /unfinished files cannot be removed/, ['spool']],
    ['writtenMs', /age .*cannot be read/, ['aa.1', 'bb.1']],
    ['read', /file cannot be read/, ['aa.1', 'bb.1']],
    ['rename', /cannot be renamed/, ['aa.1', 'bb.1']],
    ['setAside', /damaged .*cannot be renamed to \.damaged/, ['bb.1']],
    ['write', /not stored cannot be written/, [/^.+\.\d+$/]],
    ['remove', /cannot be removed/, [/^.+\.\d+$/]],
  ] as const)('%s', async (operation, message, names) => {
    const { told } = await toldWhere(operation);
    expect(told.map(([, name]) => name.replace(`${root}/`, '')).sort()).toEqual(
      names.map((name) => (typeof name === 'string' ? name : expect.stringMatching(name))),
    );
    for (const [msg] of told) expect(msg).toMatch(message);
  });

  test('a damaged file that cannot be set aside is not said to be, and stays to be read again', async () => {
    const { one } = await toldWhere('setAside');
    expect(log.join('')).not.toContain('kept as .damaged');
    expect(one.stats.filesDamaged).toBe(0);
    expect(await files()).toEqual(['bb.1']);
  });
});
