import { parseAllDocuments } from 'yaml';
import { command, works } from './command.ts';
import { refused, withFile } from './planted.ts';
import type { Section, Step } from './section.ts';

const OVERLAYS = ['local', 'production'];
const NAMESPACE = 'streaming-service';

interface PodSpec {
  readonly containers: readonly object[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly spec: PodSpec } };
}

/**
 * Asks a real API server what it thinks of the manifests. Nothing is stored there but the namespace, and that goes
 * again. Only a server on this machine is asked: a kubeconfig may point at someone's cluster.
 */
export const kubernetes: Section = {
  title: 'Kubernetes: manifests before a real API server',
  lacks,
  async run(step) {
    const isNew = !(await works('kubectl', 'get', 'namespace', NAMESPACE));
    if (isNew) await kubectl('apply', '-f', 'infra/kubernetes/base/namespace.yaml');
    try {
      for (const overlay of OVERLAYS) await checkOverlay(overlay, step);
      await step('a planted unknown field', refusesUnknownField);
    } finally {
      if (isNew) await removeNamespace();
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
  if (await works('kubectl', '--request-timeout=5s', 'get', '--raw', '/readyz')) return undefined;
  return `the cluster at ${server.host} does not answer`;
}

async function checkOverlay(overlay: string, step: Step): Promise<void> {
  const path = `infra/kubernetes/overlays/${overlay}`;
  await step(`kubectl apply -k ${path} --dry-run=server`, async () => {
    const applied = await kubectl('apply', '-k', path, '--dry-run=server', '--warnings-as-errors');
    return `${applied.split('\n').length} objects accepted, no warning`;
  });
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

async function refusesUnknownField(): Promise<string> {
  const all = await manifests('infra/kubernetes/overlays/production');
  const edge = all.find(({ kind }) => kind === 'StatefulSet');
  if (edge === undefined) throw new Error('production has no StatefulSet');
  const planted = { ...edge, spec: { ...edge.spec, terminationGraceSeconds: 90 } };
  return refused(dryRun(planted), 'unknown field "spec.terminationGraceSeconds"');
}

/** A pod as its workload would make it, with an empty volume where a claim's would be. */
function podOf(name: string, template: PodSpec) {
  const spec = { ...template, volumes: [{ name: 'data', emptyDir: {} }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NAMESPACE }, spec };
}

async function manifests(path: string): Promise<Manifest[]> {
  const built = await kubectl('kustomize', path);
  return parseAllDocuments(built).map((document) => document.toJS());
}

function dryRun(manifest: object): Promise<string> {
  return withManifest(manifest, (file) => kubectl('apply', '--dry-run=server', '-f', file));
}

/** A bare API server has no controller that would let go of the namespace: then it is finalized from here. */
async function removeNamespace(): Promise<void> {
  if (await works('kubectl', 'delete', 'namespace', NAMESPACE, '--timeout=5s')) return;
  const metadata = { name: NAMESPACE };
  const empty = { apiVersion: 'v1', kind: 'Namespace', metadata, spec: { finalizers: [] } };
  const path = `/api/v1/namespaces/${NAMESPACE}/finalize`;
  await withManifest(empty, (file) => kubectl('replace', '--raw', path, '-f', file));
}

function withManifest<T>(manifest: object, use: (path: string) => Promise<T>): Promise<T> {
  return withFile('manifest.json', JSON.stringify(manifest), use);
}

function kubectl(...args: readonly string[]): Promise<string> {
  return command('kubectl', ['--request-timeout=30s', ...args]);
}
