export interface Release {
  readonly version: string;
  /** What stands before `/functions` and the others in the images' names. */
  readonly repository: string;
  /** `sha256:…` by image, as the registry has it; without one the tag alone says which image runs. */
  readonly digests: Readonly<Partial<Record<Image, string>>>;
}

export const IMAGES = ['functions', 'edge-node', 'gateway'] as const;
export type Image = (typeof IMAGES)[number];

/** infra/kubernetes/components/release/kustomization.yaml of a release. */
export function kubernetesRelease({ version, repository, digests }: Release): string {
  const slug = version.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase();
  const images = IMAGES.map((image) => {
    const digest = digests[image];
    const pinned = digest === undefined ? '' : `, digest: "${digest}"`;
    const newName = `${repository}/${image}`;
    const renamed = newName === `streaming-service/${image}` ? '' : `, newName: ${newName}`;
    return `  - { name: streaming-service/${image}${renamed}, newTag: ${version}${pinned} }`;
  });
  return `# The release that runs, and the only file that an upgrade changes: \`npm run release:pin\` makes it.
# The edge nodes of a release are a StatefulSet of their own, so that two releases can stand beside each other while
# users move from one to the other once; the Service for users chooses between them. docs/upgrade.md walks through it.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
images:
${images.join('\n')}
patches:
  - target: { kind: Job, name: schema }
    options: { allowNameChange: true }
    patch: |
      - { op: replace, path: /metadata/name, value: schema-${slug} }
  - target: { kind: StatefulSet, name: edge-node }
    options: { allowNameChange: true }
    patch: |
      - { op: replace, path: /metadata/name, value: edge-node-${slug} }
      - { op: add, path: /spec/selector/matchLabels/streaming-service~1release, value: "${slug}" }
      - { op: add, path: /spec/template/metadata/labels/streaming-service~1release, value: "${slug}" }
  - target: { kind: Service, name: edge-node }
    patch: |
      - { op: add, path: /spec/selector/streaming-service~1release, value: "${slug}" }
`;
}
