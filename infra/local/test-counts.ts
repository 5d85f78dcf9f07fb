import { readFile } from 'node:fs/promises';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** @returns the line that a run ends with. One that was interrupted has proved nothing, whatever was counted. */
export function closingLine(counts: TestCounts | undefined): string {
  if (counts === undefined) return 'interrupted: not all tests were run';
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Counts the tests of vitest's JSON report. A file that failed as a whole, so that none of its tests tells of it,
 * counts as one failure; so does a report that was never written.
 */
export async function countTests(file: string): Promise<TestCounts> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(text) as VitestReport;
  const failedAsWhole = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((result) => result.status !== 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + failedAsWhole.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
