import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { STORE_NAMES, type StoreName } from '../../shared/store/engines.ts';
import { isTestable, makeTestStore } from '../local/test-stores.ts';
import { cli } from './testing/run-cli.ts';

/** Two pages of each engine. */
const IDS = ['ü', 'user@example', ...Array.from({ length: 550 }, (_, i) => `user-${i}`)];

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'registrations-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function emptyStore(name: StoreName): Promise<Readonly<Record<string, string>>> {
  const { environment, remove } = await makeTestStore(name);
  onTestFinished(remove);
  return environment;
}

const sortedLines = (text: string) => text.trimEnd().split('\n').sort();

for (const name of STORE_NAMES) {
  describe.skipIf(!isTestable(name))(name, () => {
    it('gives out everybody, and another store takes them in', { timeout: 120_000 }, async () => {
      const list = join(await folder(), 'registrations.txt');
      await writeFile(list, `${IDS.join('\r\n')}\n\n`);
      const [one, other] = [await emptyStore(name), await emptyStore(name)];

      const taken = await cli(['import', list], one);
      expect(taken).toMatchObject({ code: 0, out: '', err: `${IDS.length} registered\n` });
      const copy = `${list}.copy`;
      const given = await cli(['export', copy], one);
      const said = `${IDS.length} registrations in ${copy}\n`;
      expect(given).toMatchObject({ code: 0, out: '', err: said });
      expect(sortedLines(await readFile(copy, 'utf8'))).toEqual(IDS.toSorted());

      expect(await cli(['import', copy], other)).toMatchObject(taken);
      expect(sortedLines((await cli(['export'], other)).out)).toEqual(IDS.toSorted());
    });
  });
}

describe('a list', () => {
  const sqlite = async () => ({ STORE: 'sqlite', SQLITE_PATH: join(await folder(), 'service.db') });

  it('with lines that are no ids is taken in but for these, which are told', async () => {
    const list = join(await folder(), 'list.txt');
    await writeFile(list, 'user-1\nuser 2\n  user-3  \n/\n');
    const settings = await sqlite();
    expect(await cli(['import', list], settings)).toMatchObject({
      code: 1,
      err: 'line 2 is no user id: left out\nline 4 is no user id: left out\n2 registered\n2 lines were left out\n',
    });
    expect((await cli(['export'], settings)).out).toBe('user-1\nuser-3\n');
  });

  it('that is not there is one line', async () => {
    const { code, err } = await cli(['import', '/nowhere/list.txt'], await sqlite());
    expect([code, err.split('\n').length]).toEqual([1, 2]);
    expect(err).toMatch(/^error: .*ENOENT/);
  });

  it('is for its owner alone, and there only when it is whole', async () => {
    const settings = await sqlite();
    const place = await folder();
    await cli(['import', '/dev/null'], settings);
    await cli(['export', join(place, 'list.txt')], settings);
    expect((await stat(join(place, 'list.txt'))).mode & 0o777).toBe(0o600);

    await writeFile(settings.SQLITE_PATH, 'no database');
    const failed = await cli(['export', join(place, 'other.txt')], settings);
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/^error: nothing was exported, STORE=sqlite .*\n$/);
    expect(await readdir(place)).toEqual(['list.txt']);
  });

  it('of a store that was never made is none', async () => {
    const settings = await sqlite();
    const { code, out, err } = await cli(['export'], settings);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^error: .*there is nothing to export\n$/);
  });
});
