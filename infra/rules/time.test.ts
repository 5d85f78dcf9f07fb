import { expect, test } from 'vitest';
import { files, read } from './tree.ts';

/** Looks at the wall clock: it can be set, so that only dates come from it, and only in one place. */
const WALL_CLOCK = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\)/;
const isExempt = (path: string) => /\.test\.ts$|\/testing\/|^infra\/rules\//.test(path);

test('nothing but shared/clock.ts looks at the wall clock', () => {
  const found = files('*.ts').filter((path) => !isExempt(path) && WALL_CLOCK.test(read(path)));
  expect(found).toEqual(['shared/clock.ts']);
});
