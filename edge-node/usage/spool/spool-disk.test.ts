import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { SpoolHungError } from '../../../shared/errors.ts';
import { SPOOL_DISK_TIMEOUT_MS } from '../../../shared/limits.ts';
import { TimeLimitError } from '../../../shared/with-timeout.ts';
import { SpoolDisk } from './spool-disk.ts';
import { SpoolFolder } from './spool-folder.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe("the spool's disk", () => {
  test('is asked for one thing at a time, in order, and a failure is its caller’s alone', async () => {
    const disk = new SpoolDisk();
    const steps: string[] = [];
    const work = (name: string) => async () => {
      steps.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      steps.push(`${name} ends`);
      if (name === 'b') throw new RangeError(name);
      return name;
    };
    const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => disk.run(work(name))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(steps).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('that hangs is not asked again until it has answered; nobody waits longer than the limit', async () => {
    vi.useFakeTimers();
    const disk = new SpoolDisk();
    const hanging = Promise.withResolvers<string>();
    const begun: string[] = [];
    const ask = (name: string) =>
      disk.run(async () => {
        begun.push(name);
        return name === 'first' ? hanging.promise : name;
      });
    const early = [ask('first'), ask('second')].map((asked) => asked.catch((error) => error));
    await vi.advanceTimersByTimeAsync(SPOOL_DISK_TIMEOUT_MS);
    expect(await Promise.all(early)).toEqual([
      expect.any(TimeLimitError),
      expect.any(TimeLimitError),
    ]);
    await expect(ask('meanwhile')).rejects.toThrow(SpoolHungError);
    expect(begun).toEqual(['first']);
    hanging.resolve('late');
    await vi.advanceTimersByTimeAsync(1);
    expect(await ask('third')).toBe('third');
    expect(begun).toEqual(['first', 'third']);
  });

  test('takes one thread when it hangs: names are looked up all the same', async () => {
    const path = await mkdtemp(join(tmpdir(), 'spool-disk-'));
    const folder = new SpoolFolder(path);
    // Opening a pipe that nobody writes to hangs in the thread, as a disk that is gone does.
    const names = Array.from({ length: 8 }, (_, n) => `aa.${n + 1}`);
    for (const name of names) execFileSync('mkfifo', [join(path, name)]);
    const reads = names.map((name) => folder.read(name));
    expect((await lookup('localhost')).address).toMatch(/^(127\.|::1)/);
    for (const [at, name] of names.entries()) {
      const next = names[at + 1];
      const fd = await vi.waitFor(() => openSync(join(path, name), WRITE_NOW), 20_000);
      if (next) expect(() => openSync(join(path, next), WRITE_NOW)).toThrow('ENXIO');
      closeSync(fd);
      expect(await reads[at]).toEqual(Buffer.alloc(0));
    }
    await rm(path, { recursive: true });
  });
});

/** Fails with ENXIO unless somebody is reading. */
const WRITE_NOW = constants.O_WRONLY | constants.O_NONBLOCK;
