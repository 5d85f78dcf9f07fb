import { command, lacksTool } from './support/command.ts';
import { refused, withFile } from './support/planted.ts';
import type { Section } from './support/section.ts';

const FOLDER = 'infra/kubernetes';

/** What is otherwise on purpose than kube-score would have it. */
const ON_PURPOSE = [
  // A limit of CPU takes the core away in the middle of a delivery; what is requested shares it out.
  '--ignore-container-cpu-limit',
  // A release names its images by digest: there is nothing newer to pull.
  ignore('container-image-pull-policy'),
  // topologySpreadConstraints spread the pods; it knows only the older way.
  ignore('deployment-has-host-podantiaffinity'),
  ignore('statefulset-has-host-podantiaffinity'),
];
/** The gateway: no policy reaches the network of a node, and two pods would want the same ports of it. */
const ON_PURPOSE_OF_GATEWAY = [
  ...['pod-networkpolicy', 'deployment-has-poddisruptionbudget'],
  ...['deployment-strategy', 'deployment-replicas'],
].map(ignore);

const ASKED = [
  { path: 'overlays/production', ignored: ON_PURPOSE },
  { path: 'overlays/eks', ignored: ON_PURPOSE },
  { path: 'gateway', ignored: [...ON_PURPOSE, ...ON_PURPOSE_OF_GATEWAY] },
];

/** Well-known weaknesses of manifests, beyond what an API server looks at. */
export const scores: Section = {
  title: 'Kubernetes: manifests before kube-score',
  async lacks() {
    return (
      (await lacksTool('kube-score', 'version')) ?? lacksTool('kubectl', 'version', '--client')
    );
  },
  async run(step) {
    for (const { path, ignored } of ASKED) {
      await step(`kube-score ${path}`, async () => {
        await withFile(
          'all.yaml',
          await command('kubectl', ['kustomize', `${FOLDER}/${path}`]),
          (file) => score(file, ignored),
        );
        return 'no finding';
      });
    }
    await step('a planted pod that may write to its root', async () => {
      const built = await command('kubectl', ['kustomize', `${FOLDER}/gateway`]);
      const planted = built.replace(
        'readOnlyRootFilesystem: true',
        'readOnlyRootFilesystem: false',
      );
      return withFile('planted.yaml', planted, (file) =>
        refused(score(file, [...ON_PURPOSE, ...ON_PURPOSE_OF_GATEWAY]), 'writable root filesystem'),
      );
    });
  },
};

function ignore(test: string): string {
  return `--ignore-test=${test}`;
}

function score(file: string, ignored: readonly string[]): Promise<string> {
  const options = [
    '--exit-one-on-warning',
    // Findings alone: the other formats list what is well, too, in an order of chance.
    '--output-format',
    'human',
    '--kubernetes-version',
    'v1.32',
  ];
  return command('kube-score', ['score', ...options, ...ignored, file]);
}
