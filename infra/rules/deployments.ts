/** Each deployment file as an operator would read it: what a process is told, and how long it has to stop. */
import { parse, parseAllDocuments } from 'yaml';
import { exists, read } from './tree.ts';

export type Env = Readonly<Record<string, string>>;
export type Service = 'edge-node' | 'functions';

export interface Deployment {
  readonly name: string;
  readonly env: Env;
  /** From the order to stop until SIGTERM. */
  readonly preStopMs: number;
  /** From the order to stop until SIGKILL. */
  readonly graceMs: number;
  readonly tcpWmem: string | undefined;
  /** What the process and the kernel on its behalf may take before it is killed. */
  readonly memoryMib: number;
}

export const OVERLAYS = ['local', 'demo', 'fleet', 'production', 'eks'] as const;
export type Overlay = (typeof OVERLAYS)[number];

/** Compose's `${NAME:-default}` as it is where the shell sets nothing. */
function defaultsOf(env: Env): Env {
  const entries = Object.entries(env).map(([name, value]) => {
    return [name, String(value).replace(/^\$\{\w+:-(.*)\}$/, '$1')] as const;
  });
  return Object.fromEntries(entries);
}

export function compose(service: Service | 'fleet-edge-node'): Deployment {
  const { services } = parse(read('docker-compose.yml'), { merge: true });
  const { environment, stop_grace_period, sysctls, deploy } = services[service];
  return {
    name: `docker-compose.yml, ${service}`,
    env: defaultsOf(environment),
    preStopMs: 0,
    graceMs: Number.parseInt(stop_grace_period, 10) * 1000,
    tcpWmem: sysctls?.['net.ipv4.tcp_wmem'],
    memoryMib: Number.parseInt(deploy.resources.limits.memory, 10),
  };
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly { target: { kind: string; name: string }; patch?: string }[];
}

/** An overlay's folder, and those that it is made of, each before those it changes. */
export function foldersOf(overlay: Overlay): string[] {
  const visit = (folder: string): string[] => {
    const { resources = [], components = [] } = kustomization(folder);
    const folders = [...resources, ...components].filter((path) => !path.endsWith('.yaml'));
    return [folder, ...folders.flatMap((path) => visit(resolve(folder, path)))];
  };
  return visit(`infra/kubernetes/overlays/${overlay}`);
}

function resolve(folder: string, path: string): string {
  return new URL(path, `file:///${folder}/`).pathname.slice(1);
}

function kustomization(folder: string): Kustomization {
  return parse(read(`${folder}/kustomization.yaml`));
}

/** The settings that an overlay's services are given. */
export function settingsOf(overlay: Overlay): Env {
  const files = foldersOf(overlay).map((folder) => `${folder}/settings.env`);
  const lines = files.filter(exists).flatMap((file) => read(file).split('\n'));
  const settings = lines.filter((line) => /^\w+=/.test(line));
  return Object.fromEntries(settings.map((line) => line.split(/=(.*)/s, 2)));
}

/** What an overlay puts in place of a value of the base: without kustomize, for it may not be here. */
function patched(overlay: Overlay, service: Service, path: string): unknown {
  const patches = foldersOf(overlay).flatMap((folder) => kustomization(folder).patches ?? []);
  return patches
    .filter(({ target, patch }) => target.name === service && patch !== undefined)
    .flatMap(({ patch = '' }) => parse(patch) as { path: string; value: unknown }[])
    .find((operation) => operation.path.endsWith(path))?.value;
}

export function kubernetes(service: Service, overlay: Overlay): Deployment {
  const documents = parseAllDocuments(read(`infra/kubernetes/base/${service}.yaml`));
  const { template } = documents
    .map((document) => document.toJS())
    .find(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment').spec;
  const { securityContext, containers, terminationGracePeriodSeconds } = template.spec;
  const [{ lifecycle, resources }] = containers;
  const grace = patched(overlay, service, '/terminationGracePeriodSeconds');
  const preStop = patched(overlay, service, '/lifecycle/preStop/sleep/seconds');
  return {
    name: `infra/kubernetes/overlays/${overlay}, ${service}`,
    env: settingsOf(overlay),
    preStopMs: Number(preStop ?? lifecycle.preStop.sleep.seconds) * 1000,
    graceMs: Number(grace ?? terminationGracePeriodSeconds) * 1000,
    tcpWmem: securityContext.sysctls?.[0].value,
    memoryMib: Number.parseInt(resources.limits.memory, 10),
  };
}

export function ecs(): Deployment {
  const { Parameters, Resources } = parse(read('infra/ecs/edge-node.yaml'), { logLevel: 'silent' });
  const [container, collector] = Resources.Task.Properties.ContainerDefinitions;
  const environment: { Name: string; Value: string }[] = container.Environment;
  return {
    name: 'infra/ecs/edge-node.yaml',
    env: {
      ...Object.fromEntries(environment.map(({ Name, Value }) => [Name, Value])),
      MAX_USERS: String(Parameters.MaxUsers.Default),
      EDGE_WORKERS: String(Parameters.EdgeWorkers.Default),
    },
    preStopMs: 0,
    graceMs: container.StopTimeout * 1000,
    tcpWmem: container.SystemControls[0].Value,
    memoryMib: Parameters.TaskMemory.Default - collector.MemoryReservation,
  };
}
