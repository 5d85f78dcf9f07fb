import { readFile } from 'node:fs/promises';
import { command, works } from './command.ts';
import { refused, withFile } from './planted.ts';
import type { Section } from './section.ts';

const TEMPLATES = ['infra/ecs/edge-node.yaml', 'template.yaml'];

/** What CloudFormation's own resource schemas say of both templates, offline. */
export const ecs: Section = {
  title: 'ECS and SAM: templates before cfn-lint',
  async lacks() {
    return (await works('cfn-lint', '--version')) ? undefined : 'cfn-lint does not run';
  },
  async run(step) {
    for (const template of TEMPLATES) {
      await step(`cfn-lint ${template}`, async () => {
        await command('cfn-lint', [template]);
        return 'no finding';
      });
    }
    await step('a planted unknown property', refusesUnknownProperty);
  },
};

async function refusesUnknownProperty(): Promise<string> {
  const template = await readFile('infra/ecs/edge-node.yaml', 'utf8');
  const planted = template.replace('StopTimeout:', 'StopAfter:');
  return withFile('planted.yaml', planted, (path) =>
    refused(command('cfn-lint', [path]), "'StopAfter' was unexpected"),
  );
}
