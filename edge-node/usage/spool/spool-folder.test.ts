import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SpoolFolder } from './spool-folder.ts';

let root: string;
let folder: SpoolFolder;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spool-folder-'));
  folder = new SpoolFolder(join(root, 'a', 'spool'));
});
afterEach(() => rm(root, { recursive: true }));

const files = async () => (await folder.list()).files.slice();

describe('the spool folder', () => {
  test('is made by the first write, and again when somebody has removed it', async () => {
    expect(await files()).toEqual([]);
    await folder.write('a1.1', Buffer.from('one'));
    await rm(folder.path, { recursive: true });
    await folder.write('a1.2', Buffer.from('two'));
    expect(await files()).toEqual(['a1.2']);
    expect(await folder.read('a1.2')).toEqual(Buffer.from('two'));
  });

  test('lists what writers have finished, and nothing else', async () => {
    await folder.write('a1.1', Buffer.from('one'));
    await folder.write('b2.17', Buffer.from('two'));
    for (const name of ['a1.2.unfinished', 'a1.3.damaged', 'README', '.DS_Store', 'a1.x']) {
      await writeFile(join(folder.path, name), 'x');
    }
    await mkdir(join(folder.path, 'lost+found'));
    expect((await files()).sort()).toEqual(['a1.1', 'b2.17']);
  });

  test('a file that another reader has removed is absent, not an error', async () => {
    await mkdir(folder.path, { recursive: true });
    expect(await folder.read('a1.1')).toBeUndefined();
    await folder.remove('a1.1');
    await folder.setAside('a1.1');
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a damaged file is kept under another name', async () => {
    await folder.write('a1.1', Buffer.from('torn'));
    await folder.setAside('a1.1');
    expect(await files()).toEqual([]);
    expect(await readdir(folder.path)).toEqual(['a1.1.damaged']);
  });

  test('of several who give a file to themselves one gets it', async () => {
    await folder.write('a1.1', Buffer.from('one'));
    const others = [folder, new SpoolFolder(folder.path), new SpoolFolder(folder.path)];
    const got = await Promise.all(others.map((each, at) => each.rename('a1.1', `b${at}.1`)));
    expect(got.filter((isMine) => isMine)).toHaveLength(1);
    expect(await files()).toEqual([`b${got.indexOf(true)}.1`]);
  });

  test('a probe tells whether a file can be written, and leaves none', async () => {
    await folder.probe('a1');
    await folder.probe('a1');
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a lease is seen to be renewed, and goes when it is released', async () => {
    await folder.touchLease('a1', 1_000_000);
    await folder.touchLease('b2', 1_000_000);
    await folder.touchLease('a1', 1_002_000);
    const { leases } = await folder.list();
    const byOwner = Object.fromEntries(leases.map(({ owner, touchedMs }) => [owner, touchedMs]));
    expect(byOwner).toEqual({ a1: 1_002_000, b2: 1_000_000 });
    await folder.removeLease('a1');
    expect((await folder.list()).leases.map(({ owner }) => owner)).toEqual(['b2']);
  });

  test('a write that fails leaves nothing behind, and what was there before', async () => {
    await folder.write('a1.1', Buffer.from('one'));
    await mkdir(join(folder.path, 'a1.2'));
    await expect(folder.write('a1.2', Buffer.from('two'))).rejects.toThrow();
    expect((await readdir(folder.path)).sort()).toEqual(['a1.1', 'a1.2']);
    expect((await stat(join(folder.path, 'a1.2'))).isDirectory()).toBe(true);
  });

  test('a path that is a file fails the write', async () => {
    const path = join(root, 'file');
    await writeFile(path, '');
    await chmod(path, 0o600);
    const blocked = new SpoolFolder(path);
    await expect(blocked.probe('a1')).rejects.toThrow();
    await expect(blocked.write('a1.1', Buffer.from('one'))).rejects.toThrow();
  });

  test('sweeps unfinished files of dead writers, and not those being written', async () => {
    await mkdir(folder.path, { recursive: true });
    for (const name of ['a1.1.unfinished', 'a1.2.unfinished', 'a1.3']) {
      await writeFile(join(folder.path, name), 'x');
    }
    await utimes(join(folder.path, 'a1.1.unfinished'), 1000, 1000);
    await utimes(join(folder.path, 'a1.3'), 1000, 1000);
    await folder.sweep(2_000_000);
    expect((await readdir(folder.path)).sort()).toEqual(['a1.2.unfinished', 'a1.3']);
    await folder.sweep(2_000_000, new Set(['b2']));
    expect((await readdir(folder.path)).sort()).toEqual(['a1.2.unfinished', 'a1.3']);
    await folder.sweep(2_000_000, new Set(['a1']));
    expect(await readdir(folder.path)).toEqual(['a1.3']);
  });

  test('a writer killed in the middle of a file leaves only whole ones for readers', async () => {
    const bytes = 2 * 1024 ** 2;
    const script = `
      import { SpoolFolder } from ${JSON.stringify(join(import.meta.dirname, 'spool-folder.ts'))};
      const folder = new SpoolFolder(${JSON.stringify(folder.path)});
      for (let n = 1; ; n += 1) await folder.write('a' + process.pid + '.' + n, Buffer.alloc(${bytes}));`;
    for (let life = 1; life <= 5; life += 1) {
      const args = ['--input-type=module', '-e', script];
      const writer = spawn(process.execPath, args, { stdio: 'inherit' });
      const before = (await files()).length;
      const written = expect.poll(async () => (await files()).length, { timeout: 20_000 });
      await written.toBeGreaterThan(before + life);
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
    for (const name of await files()) {
      expect((await folder.read(name))?.length).toBe(bytes);
    }
    await folder.sweep(Date.now() + 60_000);
    expect((await readdir(folder.path)).sort()).toEqual((await files()).sort());
  }, 120_000);
});
