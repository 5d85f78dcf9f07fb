import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { kubernetesRelease } from '../../release/kubernetes-release.ts';
import { command, works } from './support/command.ts';
import { refused, withFile } from './support/planted.ts';
import type { Section, Step } from './support/section.ts';

const FOLDER = 'infra/kubernetes';
const OVERLAYS = ['local', 'demo', 'fleet', 'production', 'eks'];
/** Components that no overlay has by itself. */
const ADDED = ['stream-tokens', 'stream-tls', 'operators', 'traces'].map(
  (name) => `../../components/${name}`,
);
const NAMESPACE = 'streaming-service';
const GATEWAY_NAMESPACE = 'streaming-gateway';
/** All that an overlay may hold beside its namespace. */
const KINDS = [
  ...['configmaps', 'secrets', 'serviceaccounts', 'services', 'networkpolicies'],
  ...['deployments', 'statefulsets', 'jobs', 'horizontalpodautoscalers', 'poddisruptionbudgets'],
];

interface PodSpec {
  readonly containers: readonly object[];
  readonly volumes?: readonly { readonly name: string }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly spec: PodSpec } };
}

/**
 * Stores the manifests in a real API server and takes them out again. Only a server on this machine without nodes is
 * asked: a kubeconfig may point at someone's cluster, and nodes would start what is stored.
 */
export const kubernetes: Section = {
  title: 'Kubernetes: manifests before a real API server',
  lacks,
  async run(step) {
    for (const overlay of OVERLAYS) {
      await kubectl('apply', '-f', `${FOLDER}/base/namespace.yaml`);
      try {
        await checkOverlay(overlay, step);
        if (overlay === 'production') {
          await step('production with all that an overlay may add', withEveryComponent);
          await step('a planted unknown field', refusesUnknownField);
        }
      } finally {
        await removeNamespace(NAMESPACE);
      }
    }
    await kubectl('apply', '-f', `${FOLDER}/gateway/namespace.yaml`);
    try {
      await step(`kubectl apply -k ${FOLDER}/gateway, and its pod`, checkGateway);
    } finally {
      await removeNamespace(GATEWAY_NAMESPACE);
    }
  },
};

async function lacks(): Promise<string | undefined> {
  if (!(await works('kubectl', 'version', '--client'))) return 'kubectl does not run';
  const path = 'jsonpath={.clusters[0].cluster.server}';
  const server = URL.parse(await kubectl('config', 'view', '--minify', '-o', path).catch(() => ''));
  if (server === null) return 'KUBECONFIG names no cluster';
  if (!/^(localhost|127\.[\d.]+|\[::1\])$/.test(server.hostname)) {
    return `the cluster at ${server.host} is not on this machine`;
  }
  if (!(await works('kubectl', '--request-timeout=5s', 'get', '--raw', '/readyz'))) {
    return `the cluster at ${server.host} does not answer`;
  }
  const nodes = await kubectl('get', 'nodes', '-o', 'name');
  return nodes === '' ? undefined : `the cluster at ${server.host} has nodes`;
}

async function checkOverlay(overlay: string, step: Step): Promise<void> {
  const path = `${FOLDER}/overlays/${overlay}`;
  await step(`kubectl apply -k ${path}`, async () => {
    const applied = await kubectl('apply', '-k', path, '--warnings-as-errors');
    return `${applied.split('\n').length} objects stored, no warning`;
  });
  await step(`${overlay} again, with a changed setting`, async () => {
    const applied = await changed(overlay, (folder) =>
      appendFile(
        join(folder, 'overlays', settingsOwner(overlay), 'settings.env'),
        'LOG_LEVEL=debug\n',
      ),
    );
    return `${applied.length} objects accepted`;
  });
  if (overlay === 'production' || overlay === 'eks') {
    await step(`${overlay} again, with the next release`, () => nextRelease(overlay));
  }
  const pods = (await manifests(path)).flatMap(({ metadata, spec }) =>
    spec?.template === undefined ? [] : [podOf(metadata.name, spec.template.spec)],
  );
  await step(`the pods of ${overlay}`, async () => {
    for (const pod of pods) await dryRun(pod);
    return `${pods.map(({ metadata }) => metadata.name).join(', ')} pass the restricted policy`;
  });
  await step('a privileged pod in their place', async () => {
    const containers = [{ name: 'any', image: 'any', securityContext: { privileged: true } }];
    return refused(dryRun(podOf('any', { containers })), 'violates PodSecurity');
  });
}

/** The overlay whose settings an overlay uses: the demo stands on the local one. */
function settingsOwner(overlay: string): string {
  return overlay === 'demo' ? 'local' : overlay;
}

/** Applies an overlay after a change to a copy of its files. @returns a line for each object */
async function changed(
  overlay: string,
  change: (folder: string) => Promise<unknown>,
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kubernetes-'));
  try {
    await cp(FOLDER, folder, { recursive: true });
    await change(folder);
    const applied = await kubectl('apply', '-k', join(folder, 'overlays', overlay));
    return applied.split('\n');
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function withEveryComponent(): Promise<string> {
  const applied = await changed('production', async (folder) => {
    const path = join(folder, 'overlays/production/kustomization.yaml');
    const kustomization = parse(await readFile(path, 'utf8'));
    const components = [...kustomization.components, ...ADDED];
    await writeFile(path, stringify({ ...kustomization, components }));
  });
  return `${applied.length} objects stored, with ${ADDED.join(', ')}`;
}

/** Stands beside the release before it, whose edge nodes are as they were. */
async function nextRelease(overlay: string): Promise<string> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  const next = version.replace(/\d+$/, (patch) => String(Number(patch) + 1));
  const applied = await changed(overlay, (folder) =>
    writeFile(
      join(folder, 'components/release/kustomization.yaml'),
      kubernetesRelease({ version: next, repository: 'streaming-service', digests: {} }),
    ),
  );
  const made = applied.filter((line) => / created$/.test(line)).map((line) => line.split(' ')[0]);
  const sets = await kubectl('get', 'statefulsets', '-n', NAMESPACE, '-o', 'name');
  if (sets.split('\n').length !== 2) throw new Error(`StatefulSets: ${sets}`);
  return `beside the first: ${made.join(', ')}`;
}

async function checkGateway(): Promise<string> {
  const path = `${FOLDER}/gateway`;
  await kubectl('apply', '-k', path, '--warnings-as-errors');
  for (const { metadata, spec } of await manifests(path)) {
    if (spec?.template === undefined) continue;
    await dryRun(podOf(metadata.name, spec.template.spec, GATEWAY_NAMESPACE));
  }
  return 'accepted: the one namespace whose pods may use the network of their node';
}

async function refusesUnknownField(): Promise<string> {
  const all = await manifests(`${FOLDER}/overlays/production`);
  const edge = all.find(({ kind }) => kind === 'StatefulSet');
  if (edge === undefined) throw new Error('production has no StatefulSet');
  const planted = { ...edge, spec: { ...edge.spec, terminationGraceSeconds: 90 } };
  return refused(dryRun(planted), 'unknown field "spec.terminationGraceSeconds"');
}

/** A pod as its workload would make it, with an empty volume where a claim's would be. */
function podOf(name: string, template: PodSpec, namespace = NAMESPACE) {
  const named = (template.volumes ?? []).filter((volume) => volume.name !== 'data');
  const spec = { ...template, volumes: [...named, { name: 'data', emptyDir: {} }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec };
}

async function manifests(path: string): Promise<Manifest[]> {
  const built = await kubectl('kustomize', path);
  return parseAllDocuments(built).map((document) => document.toJS());
}

function dryRun(manifest: object): Promise<string> {
  return withManifest(manifest, (file) => kubectl('apply', '--dry-run=server', '-f', file));
}

/** A bare API server has no controller that would empty the namespace and let go of it: both are done from here. */
async function removeNamespace(name: string): Promise<void> {
  await kubectl('delete', KINDS.join(), '--all', '--namespace', name, '--wait=false');
  await kubectl('delete', 'namespace', name, '--wait=false');
  const metadata = { name };
  const empty = { apiVersion: 'v1', kind: 'Namespace', metadata, spec: { finalizers: [] } };
  const path = `/api/v1/namespaces/${name}/finalize`;
  await withManifest(empty, (file) => kubectl('replace', '--raw', path, '-f', file));
}

function withManifest<T>(manifest: object, use: (path: string) => Promise<T>): Promise<T> {
  return withFile('manifest.json', JSON.stringify(manifest), use);
}

function kubectl(...args: readonly string[]): Promise<string> {
  return command('kubectl', ['--request-timeout=30s', ...args]);
}
