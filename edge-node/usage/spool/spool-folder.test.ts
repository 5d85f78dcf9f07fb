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

describe('the spool folder', () => {
  test('is made by the first write, and again when somebody has removed it', async () => {
    expect(await folder.list()).toEqual([]);
    await folder.write('a1.1', Buffer.from('one'));
    await rm(folder.path, { recursive: true });
    await folder.write('a1.2', Buffer.from('two'));
    expect(await folder.list()).toEqual(['a1.2']);
    expect(await folder.read('a1.2')).toEqual(Buffer.from('two'));
  });

  test('lists what writers have finished, and nothing else', async () => {
    await folder.write('a1.1', Buffer.from('one'));
    await folder.write('b2.17', Buffer.from('two'));
    for (const name of ['a1.2.unfinished', 'a1.3.damaged', 'README', '.DS_Store', 'a1.x']) {
      await writeFile(join(folder.path, name), 'x');
    }
    await mkdir(join(folder.path, 'lost+found'));
    expect((await folder.list()).sort()).toEqual(['a1.1', 'b2.17']);
  });

  test('a file that another reader has removed is absent, not an error', async () => {
    await folder.create();
    expect(await folder.read('a1.1')).toBeUndefined();
    await folder.remove('a1.1');
    await folder.setAside('a1.1');
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a damaged file is kept under another name', async () => {
    await folder.write('a1.1', Buffer.from('torn'));
    await folder.setAside('a1.1');
    expect(await folder.list()).toEqual([]);
    expect(await readdir(folder.path)).toEqual(['a1.1.damaged']);
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
    await expect(blocked.create()).rejects.toThrow();
    await expect(blocked.write('a1.1', Buffer.from('one'))).rejects.toThrow();
  });

  test('sweeps unfinished files of dead writers, and not those being written', async () => {
    await folder.create();
    for (const name of ['a1.1.unfinished', 'a1.2.unfinished', 'a1.3']) {
      await writeFile(join(folder.path, name), 'x');
    }
    await utimes(join(folder.path, 'a1.1.unfinished'), 1000, 1000);
    await utimes(join(folder.path, 'a1.3'), 1000, 1000);
    await folder.sweep(2_000_000);
    expect((await readdir(folder.path)).sort()).toEqual(['a1.2.unfinished', 'a1.3']);
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
      const before = (await folder.list()).length;
      await expect.poll(async () => (await folder.list()).length).toBeGreaterThan(before + life);
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
    for (const name of await folder.list()) {
      expect((await folder.read(name))?.length).toBe(bytes);
    }
    await folder.sweep(Date.now() + 60_000);
    expect((await readdir(folder.path)).sort()).toEqual((await folder.list()).sort());
  });
});
