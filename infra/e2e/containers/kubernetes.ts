/**
 * Asks a real Kubernetes API server what it thinks of the manifests: `kubectl apply -k … --dry-run=server` on both
 * overlays, their pods under the restricted policy, and a planted mistake. Nothing is ever stored but the namespace,
 * and that goes again. Only a server on this machine is asked: a kubeconfig may point at someone's cluster.
 */
import { spawnSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';

const OVERLAYS = ['local', 'production'];
const NAMESPACE = 'streaming-service';

interface Answer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly spec: PodSpec } };
}

interface PodSpec {
  readonly containers: readonly { readonly securityContext: object }[];
  readonly volumes?: readonly object[];
}

function kubectl(args: readonly string[], input = ''): Answer {
  const { status, stdout, stderr } = spawnSync('kubectl', ['--request-timeout=30s', ...args], {
    input,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { ok: status === 0, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** Why there is nothing to ask here, or undefined. */
export function unavailable(): string | undefined {
  if (!kubectl(['version', '--client']).ok) return 'kubectl does not run';
  const args = ['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}'];
  const server = URL.parse(kubectl(args).stdout);
  if (server === null) return 'KUBECONFIG names no cluster';
  if (!/^(localhost|127\.[\d.]+|\[::1\])$/.test(server.hostname)) {
    return `the cluster at ${server.host} is not on this machine`;
  }
  return kubectl(['get', '--raw', '/readyz']).ok ? undefined : `${server.host} does not answer`;
}

/** @throws Error with the server's own words on what does not hold */
export function run(say: (held: string) => void): void {
  const isNew = !kubectl(['get', 'namespace', NAMESPACE]).ok;
  if (isNew) accepted(kubectl(['apply', '-f', 'infra/kubernetes/base/namespace.yaml']));
  try {
    for (const overlay of OVERLAYS) checkOverlay(overlay, say);
    refusesUnknownField(say);
  } finally {
    if (isNew) removeNamespace();
  }
}

function checkOverlay(overlay: string, say: (held: string) => void): void {
  const path = `infra/kubernetes/overlays/${overlay}`;
  const applied = accepted(kubectl(['apply', '-k', path, '--dry-run=server']));
  if (/^Warning:/m.test(applied.stderr)) throw new Error(`${path}: ${applied.stderr}`);
  say(`${path}: ${applied.stdout.trim().split('\n').length} objects accepted, no warning`);

  const pods = manifests(path).flatMap(({ metadata, spec }) =>
    spec?.template === undefined ? [] : [podOf(metadata.name, spec.template.spec)],
  );
  for (const pod of pods) accepted(dryRun(pod));
  say(`${path}: pods of ${pods.length} workloads pass the restricted policy`);

  const [pod] = pods;
  if (pod === undefined) throw new Error(`${path} has no workload`);
  const [container] = pod.spec.containers;
  const privileged = { ...container, securityContext: { privileged: true } };
  refused(
    dryRun({ ...pod, spec: { ...pod.spec, containers: [privileged] } }),
    /violates PodSecurity/,
  );
  say(`${path}: a privileged pod is refused`);
}

function refusesUnknownField(say: (held: string) => void): void {
  const [edge] = manifests('infra/kubernetes/overlays/production').filter(
    ({ kind }) => kind === 'StatefulSet',
  );
  if (edge?.spec === undefined) throw new Error('production has no StatefulSet');
  const planted = { ...edge, spec: { ...edge.spec, terminationGraceSeconds: 90 } };
  refused(dryRun(planted), /unknown field "spec.terminationGraceSeconds"/);
  say('a planted unknown field is refused');
}

/** A pod as its workload would make it, with an empty volume where a claim's would be. */
function podOf(name: string, template: PodSpec) {
  const volumes = [...(template.volumes ?? []), { name: 'data', emptyDir: {} }];
  const metadata = { name, namespace: NAMESPACE };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...template, volumes } };
}

function manifests(path: string): Manifest[] {
  return parseAllDocuments(accepted(kubectl(['kustomize', path])).stdout).map((document) =>
    document.toJS(),
  );
}

function dryRun(manifest: object): Answer {
  return kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(manifest));
}

function accepted(answer: Answer): Answer {
  if (!answer.ok) throw new Error(answer.stderr);
  return answer;
}

function refused(answer: Answer, why: RegExp): void {
  if (answer.ok || !why.test(answer.stderr)) {
    throw new Error(`should have been refused (${why}): ${answer.stdout}${answer.stderr}`);
  }
}

/** A bare API server has no controller that would let go of the namespace: then it is finalized from here. */
function removeNamespace(): void {
  if (kubectl(['delete', 'namespace', NAMESPACE, '--timeout=5s']).ok) return;
  const empty = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE },
    spec: { finalizers: [] },
  };
  const path = `/api/v1/namespaces/${NAMESPACE}/finalize`;
  accepted(kubectl(['replace', '--raw', path, '-f', '-'], JSON.stringify(empty)));
}
