/** One step: does something real and resolves with what it saw, in a few words. Rejects where that does not hold. */
export type Step = (what: string, action: () => Promise<string>) => Promise<void>;

/** What one tool can show. */
export interface Section {
  readonly title: string;
  /** Says in one line what is not here, or nothing where the section can run. */
  lacks(): Promise<string | undefined>;
  /** Leaves nothing behind, whether it holds or not. */
  run(step: Step): Promise<void>;
}

export type Outcome = 'held' | 'failed' | 'not run';

/** Runs a section up to its first step that fails, and prints a line for each. */
export async function runSection(section: Section): Promise<Outcome> {
  const missing = await section.lacks();
  if (missing !== undefined) {
    console.log(`\n${section.title}: NOT RUN, ${missing}`);
    return 'not run';
  }
  console.log(`\n${section.title}`);
  try {
    await section.run(async (what, action) => {
      const started = performance.now();
      const seen = await action();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`  ok   ${what}: ${seen} (${seconds} s)`);
    });
    return 'held';
  } catch (error) {
    console.log(`  FAIL ${error instanceof Error ? error.message : String(error)}`);
    return 'failed';
  }
}
