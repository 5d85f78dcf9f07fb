import { readFile } from 'node:fs/promises';
import { command, lacksTool } from './support/command.ts';
import { refused, withFile } from './support/planted.ts';
import type { Section } from './support/section.ts';

const TEMPLATES = [
  ...['roles', 'balancer', 'edge-node', 'relay', 'alarms'].map((name) => `infra/ecs/${name}.yaml`),
  'infra/kubernetes/eks/pod-identity.yaml',
  'template.yaml',
];

/** What CloudFormation's own resource schemas say of the templates, offline. */
export const ecs: Section = {
  title: 'ECS, EKS and SAM: templates before cfn-lint',
  lacks: () => lacksTool('cfn-lint', '--version'),
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

/** Well-known mistakes in what the templates ask for; the ones that are none are named with the reason. */
export const policies: Section = {
  title: 'ECS, EKS and SAM: templates before checkov',
  lacks: () => lacksTool('checkov', '--version'),
  async run(step) {
    await step('checkov', async () => {
      const said = await command('checkov', ['--config-file', 'infra/ecs/checkov.yaml']);
      return /Passed checks: \d+/.exec(said)?.[0] ?? said;
    });
    await step('a planted rule that lets everybody do everything', () =>
      withFile('planted.json', JSON.stringify(ALL_OPEN), (path) =>
        refused(
          command('checkov', [
            '--compact',
            '--skip-download',
            '--framework',
            'cloudformation',
            '-f',
            path,
          ]),
          'CKV_AWS_63',
        ),
      ),
    );
  },
};

const ALL_OPEN = {
  Resources: {
    Policy: {
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyName: 'all',
        Roles: ['any'],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
        },
      },
    },
  },
};

async function refusesUnknownProperty(): Promise<string> {
  const template = await readFile('infra/ecs/edge-node.yaml', 'utf8');
  const planted = template.replace('StopTimeout:', 'StopAfter:');
  return withFile('planted.yaml', planted, (path) =>
    refused(command('cfn-lint', [path]), "'StopAfter' was unexpected"),
  );
}
