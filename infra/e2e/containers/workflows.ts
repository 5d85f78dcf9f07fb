import { readFile } from 'node:fs/promises';
import { command, lacksTool } from './support/command.ts';
import { refused, withFile } from './support/planted.ts';
import type { Section } from './support/section.ts';

const RELEASE = '.github/workflows/release.yml';

/** The workflows run elsewhere: here they are only read, by a tool that knows their language. */
export const workflows: Section = {
  title: 'Workflows: ci and release before actionlint',
  lacks: () => lacksTool('actionlint', '-version'),
  async run(step) {
    await step('actionlint', async () => {
      await command('actionlint', []);
      return 'no finding';
    });
    await step('a planted output that no job has', async () => {
      const planted = (await readFile(RELEASE, 'utf8')).replace(
        'needs.version.outputs.version',
        'needs.version.outputs.v',
      );
      return withFile('planted.yml', planted, (path) =>
        refused(command('actionlint', [path]), 'property "v" is not defined'),
      );
    });
  },
};
