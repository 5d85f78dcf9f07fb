import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closingLine, countTests } from './test-counts.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-counts-'));
  file = join(folder, 'report.json');
});
afterEach(() => rm(folder, { recursive: true }));

async function report(testResults: unknown[]): Promise<void> {
  const counts = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };
  await writeFile(file, JSON.stringify({ ...counts, testResults }));
}

test('counts what the report counts', async () => {
  await report([{ status: 'failed', assertionResults: [{ status: 'failed' }] }]);
  expect(await countTests(file)).toEqual({ passed: 5, failed: 1, skipped: 3 });
});

test('a file that could not be loaded is a failure, though no test of it failed', async () => {
  await report([
    { status: 'failed', assertionResults: [{ status: 'failed' }] },
    { status: 'failed', assertionResults: [] },
  ]);
  expect(await countTests(file)).toEqual({ passed: 5, failed: 2, skipped: 3 });
});

test('a run that never wrote its report has failed', async () => {
  expect(await countTests(file)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('a run ends with what it counted; one that was interrupted says so, and counts nothing', () => {
  expect(closingLine({ passed: 5, failed: 2, skipped: 3 })).toBe('5 passed, 2 failed, 3 skipped');
  expect(closingLine(undefined)).toBe('interrupted: not all tests were run');
});
