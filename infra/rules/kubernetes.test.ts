import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { kubernetesRelease } from '../release/kubernetes-release.ts';
import { foldersOf, kubernetes, OVERLAYS, type Overlay, settingsOf } from './deployments.ts';
import { files, read } from './tree.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

interface Port {
  readonly port: number | string;
  readonly protocol?: string;
}

/** A Network Load Balancer may send new connections to a target for so long after it was taken out. */
const NLB_NEWCOMERS_SECONDS = 120;

function manifestsOf(overlay: Overlay): Manifest[] {
  return foldersOf(overlay).flatMap((folder) => {
    const { resources = [] } = parse(read(`${folder}/kustomization.yaml`));
    const named: string[] = resources.filter((path: string) => path.endsWith('.yaml'));
    return named.flatMap((path) =>
      parseAllDocuments(read(`${folder}/${path}`)).map((document) => document.toJS()),
    );
  });
}

function uses(overlay: Overlay, component: string): boolean {
  return foldersOf(overlay).includes(`infra/kubernetes/components/${component}`);
}

test('every manifest is named by its kustomization', () => {
  const named = files('infra/kubernetes/**/kustomization.yaml').flatMap((path) => {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const { resources = [], patches = [] } = parse(read(path)) as {
      resources?: string[];
      patches?: { path?: string }[];
    };
    const patched = patches.map(({ path }) => path ?? '');
    return [path, ...[...resources, ...patched].map((resource) => folder + resource)];
  });
  const manifests = files(
    'infra/kubernetes/base/*.yaml',
    'infra/kubernetes/components/*.yaml',
    'infra/kubernetes/gateway/*.yaml',
    'infra/kubernetes/monitoring/*.yaml',
    'infra/kubernetes/overlays/*.yaml',
  );
  expect(manifests.filter((path) => !named.includes(path))).toEqual([]);
});

test('the release that runs is what npm run release:pin makes of the version', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const made = kubernetesRelease({ version, repository: 'streaming-service', digests: {} });
  expect(read('infra/kubernetes/components/release/kustomization.yaml')).toBe(made);
});

describe('the schema Job', () => {
  const job = parse(read('infra/kubernetes/base/schema-job.yaml'));

  test('has nothing in its template that a changed setting changes', () => {
    const [{ envFrom }] = job.spec.template.spec.containers;
    expect(envFrom).toEqual([{ configMapRef: { name: 'streaming-service-schema' } }]);
    for (const overlay of files('infra/kubernetes/overlays/*/kustomization.yaml')) {
      const { configMapGenerator = [] } = parse(read(overlay)) as {
        configMapGenerator?: { name: string; envs: string[]; options?: object }[];
      };
      for (const { name, envs, options } of configMapGenerator) {
        const keepsName = name === 'streaming-service-schema';
        expect([overlay, name, envs, options]).toEqual([
          overlay,
          name,
          ['settings.env'],
          keepsName ? { disableNameSuffixHash: true } : undefined,
        ]);
      }
    }
  });

  test('goes away by itself, so that the next apply runs it again', () => {
    expect(job.spec.ttlSecondsAfterFinished).toBeLessThanOrEqual(300);
  });
});

describe.each(OVERLAYS)('overlay %s', (overlay) => {
  const { STORE, DB_TLS_CA } = settingsOf(overlay);

  test('has the component of the store that its settings name, and no other', () => {
    const components = ['cassandra', 'dynamodb'].filter((name) => uses(overlay, name));
    expect(components).toEqual([STORE]);
  });

  test('names a certificate only where the component mounts it', () => {
    const component = read('infra/kubernetes/components/cassandra/kustomization.yaml');
    const [, mounted = ''] = /mountPath: (\S+?),/.exec(component) ?? [];
    expect([undefined, `${mounted}/ca.pem`]).toContain(DB_TLS_CA);
  });

  test('lets nothing in or out of a pod but by name', () => {
    const policies = manifestsOf(overlay).filter(({ kind }) => kind === 'NetworkPolicy');
    const deny = policies.find(({ spec }) => JSON.stringify(spec.podSelector) === '{}');
    expect(deny?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const open = policies.flatMap(({ spec }) => [
      ...((spec.ingress ?? []) as { ports?: Port[] }[]),
      ...((spec.egress ?? []) as { ports?: Port[] }[]),
    ]);
    expect(open.filter(({ ports = [] }) => ports.length === 0)).toEqual([]);
  });

  test('lets in what a Service sends, and from anywhere what users ask', () => {
    const all = manifestsOf(overlay);
    const services = all.filter(({ kind }) => kind === 'Service');
    const policies = all.filter(({ kind }) => kind === 'NetworkPolicy');
    const open = (service: Manifest['spec']) =>
      policies
        .filter(({ spec }) => {
          const { matchLabels } = spec.podSelector as { matchLabels?: object };
          return isDeepStrictEqual(matchLabels, service.selector);
        })
        .flatMap(({ spec }) => (spec.ingress ?? []) as { ports: Port[]; from?: object[] }[])
        .filter(({ from }) => service.type === undefined || from === undefined)
        .flatMap(({ ports }) => ports.map(({ port }) => port));
    const shut = services.flatMap(({ metadata, spec }) =>
      (spec.ports as { targetPort: string }[])
        .filter(({ targetPort }) => !open(spec).includes(targetPort))
        .map(({ targetPort }) => `${metadata.name} ${targetPort}`),
    );
    expect(services.length).toBeGreaterThan(2);
    expect(shut).toEqual([]);
  });

  test('lets pods ask DNS where Kubernetes has it, and where OpenShift has it', () => {
    const dns = manifestsOf(overlay).find(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'dns',
    );
    const egress = (dns?.spec.egress ?? []) as { ports: Port[] }[];
    const asked = egress
      .flatMap(({ ports }) => ports)
      .map(({ port, protocol }) => `${protocol} ${port}`);
    expect(asked.sort()).toEqual(['TCP 53', 'TCP 5353', 'UDP 53', 'UDP 5353']);
  });
});

test('no reference to a Secret is optional: without it a pod waits, and starts with no password of the default', () => {
  const optional = files('infra/kubernetes/*.yaml').filter((path) =>
    /secretRef:[^}]*optional: true/.test(read(path)),
  );
  expect(optional).toEqual([]);
  expect(read('infra/kubernetes/components/cassandra/kustomization.yaml')).toContain('secretRef');
});

describe('overlay eks', () => {
  const folder = 'infra/kubernetes/overlays/eks';

  test('reaches the agent that gives pods the keys of their roles, over IPv4 and IPv6', () => {
    const policy = parse(read('infra/kubernetes/components/dynamodb/network-policy.yaml'));
    const agent = policy.spec.egress.find(({ to }: { to?: object[] }) => to !== undefined);
    expect(agent.ports).toEqual([{ port: 80 }]);
    const cidrs = agent.to.map(({ ipBlock }: { ipBlock: { cidr: string } }) => ipBlock.cidr);
    expect(cidrs).toEqual(['169.254.170.23/32', 'fd00:ec2::23/128']);
  });

  test('has a role for every service account', () => {
    const template = parse(read('infra/kubernetes/eks/pod-identity.yaml'), { logLevel: 'silent' });
    const resources = Object.values(template.Resources) as {
      Type: string;
      Properties: { ServiceAccount: string };
    }[];
    const associated = resources
      .filter(({ Type }) => Type === 'AWS::EKS::PodIdentityAssociation')
      .map(({ Properties }) => Properties.ServiceAccount);
    const accounts = manifestsOf('eks').filter(({ kind }) => kind === 'ServiceAccount');
    expect(associated.sort()).toEqual(accounts.map(({ metadata }) => metadata.name).sort());
  });

  test('waits for the balancer to stop sending newcomers, and is not cut off by it', () => {
    const { metadata, spec } = parse(read(`${folder}/load-balancer.yaml`));
    const attributes = (name: string): Record<string, string> =>
      Object.fromEntries(
        metadata.annotations[`service.beta.kubernetes.io/aws-load-balancer-${name}`]
          .split(',')
          .map((pair: string) => pair.split('=')),
      );
    expect(spec.loadBalancerClass).toBe('service.k8s.aws/nlb');
    const group = attributes('target-group-attributes');
    const delay = Number(group['deregistration_delay.timeout_seconds']);
    expect(delay).toBeGreaterThanOrEqual(NLB_NEWCOMERS_SECONDS);
    expect(group['deregistration_delay.connection_termination.enabled']).toBe('false');
    expect(group['target_health_state.unhealthy.connection_termination.enabled']).toBe('false');
    const { preStopMs } = kubernetes('edge-node', 'eks');
    expect(preStopMs / 1000).toBeGreaterThanOrEqual(NLB_NEWCOMERS_SECONDS);
  });
});
