import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, SETTINGS } from '../../shared/config.ts';
import { HTTP_CLOSE_MS, RELAY_CLOSE_MS } from '../../shared/limits.ts';
import { servedMetrics } from './metrics.ts';
import { read } from './tree.ts';

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
}

interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { Export?: { Name: string } }>>;
}

function template(name: string): Template {
  return parse(read(`infra/ecs/${name}.yaml`), { logLevel: 'silent' });
}

function ofType(name: string, type: string): Resource['Properties'][] {
  const resources = Object.values(template(name).Resources);
  return resources.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);
}

interface Container extends Readonly<Record<string, unknown>> {
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
}

/** The one that serves. */
function containerOf(name: string): Container {
  const task = template(name).Resources.Task?.Properties as { ContainerDefinitions: Container[] };
  return task.ContainerDefinitions[0] as Container;
}

function parameter(name: string, parameter: string): unknown {
  const { Parameters } = template(name) as Template & {
    readonly Parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
  };
  return Parameters[parameter]?.Default;
}

const {
  NATS_SUBJECT_PREFIX,
  RELAY_ADMIN_PORT,
  SERVER_DRAIN_MS,
  EDGE_LOG_BYTES,
  RELAY_QUEUE_BYTES,
} = loadConfig({});
/** What a relay takes beside its bounds. */
const PROCESS_MIB = 256;

/** A Network Load Balancer may send new connections to a target for so long after it was taken out. */
const NEWCOMERS_SECONDS = 120;
/** Users, and players over HTTP. */
const PORTS = [9111, 9113];

describe('edge nodes on ECS', () => {
  test('keep the count that scaling has found, through every deployment', () => {
    const [service] = ofType('edge-node', 'AWS::ECS::Service');
    expect(service).not.toHaveProperty('DesiredCount');
  });

  test('are replaced at once by a full set, so that nobody is cut off twice', () => {
    const [service] = ofType('edge-node', 'AWS::ECS::Service');
    expect(service).toHaveProperty('DeploymentConfiguration.Strategy', 'BLUE_GREEN');
  });

  test.each(ofType('balancer', 'AWS::ElasticLoadBalancingV2::TargetGroup'))(
    'go on serving while the balancer still sends newcomers, and are not cut off by it (%#)',
    ({ TargetGroupAttributes }) => {
      const attributes = Object.fromEntries(
        (TargetGroupAttributes as { Key: string; Value: string }[]).map(({ Key, Value }) => [
          Key,
          Value,
        ]),
      );
      const delay = Number(attributes['deregistration_delay.timeout_seconds']);
      expect(delay).toBeGreaterThanOrEqual(NEWCOMERS_SECONDS);
      expect(attributes).toMatchObject({
        'deregistration_delay.connection_termination.enabled': 'false',
        'target_health_state.unhealthy.connection_termination.enabled': 'false',
      });
    },
  );

  test('both target groups of a port are the same', () => {
    const groups = ofType('balancer', 'AWS::ElasticLoadBalancingV2::TargetGroup');
    for (const port of PORTS) {
      const [first, second, ...more] = groups.filter(({ Port }) => Port === port);
      expect(second).toEqual(first);
      expect(more).toEqual([]);
    }
  });

  test('answer users and players: a port of the task has a listener', () => {
    const listeners = ofType('balancer', 'AWS::ElasticLoadBalancingV2::Listener');
    expect(listeners.map(({ Port }) => Port)).toEqual(PORTS);
    const [service] = ofType('edge-node', 'AWS::ECS::Service');
    const behind = PORTS.map((ContainerPort) => ({ ContainerPort }));
    expect(service?.LoadBalancers).toMatchObject(behind);
  });

  test('a release needs no right to give rights', () => {
    for (const name of ['edge-node', 'balancer', 'relay', 'alarms']) {
      const types = Object.values(template(name).Resources).map(({ Type }) => Type);
      expect(types.filter((type) => type.startsWith('AWS::IAM::'))).toEqual([]);
    }
  });
});

describe('relays on ECS', () => {
  const container = containerOf('relay');
  const { relay: ofCompose } = parse(read('docker-compose.yml'), { merge: true }).services;

  test('run what compose runs, from the image of the edge node, with no more rights', () => {
    const edgeNode = containerOf('edge-node');
    expect(container.Command).toEqual(ofCompose.command);
    const hardened = ['ReadonlyRootFilesystem', 'User', 'LinuxParameters'];
    for (const name of hardened) expect(container[name]).toEqual(edgeNode[name]);
    expect(ofType('relay', 'AWS::ECS::TaskDefinition')[0]).not.toHaveProperty('TaskRoleArn');
  });

  test('are given settings that there are, and meet the edge nodes on the same subjects', () => {
    const names = container.Environment.map(({ Name }) => Name);
    expect(names.filter((name) => !Object.hasOwn(SETTINGS, name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['CHANNEL_SOURCE_HOST', 'NATS_URL']));
    const prefixes = ['relay', 'edge-node'].map((name) => parameter(name, 'NatsSubjectPrefix'));
    expect(prefixes).toEqual([NATS_SUBJECT_PREFIX, NATS_SUBJECT_PREFIX]);
  });

  test('answer on the port of their settings: whoever asks for health, and whoever scrapes', () => {
    expect(container.PortMappings).toEqual([{ ContainerPort: RELAY_ADMIN_PORT }]);
    const health = container.HealthCheck as { Command: string[] };
    expect(health.Command).toEqual(['CMD', '/healthcheck.sh', String(RELAY_ADMIN_PORT)]);
  });

  test('publish what they have taken before they are killed', () => {
    const needed = SERVER_DRAIN_MS + RELAY_CLOSE_MS + HTTP_CLOSE_MS;
    expect(Number(container.StopTimeout) * 1000).toBeGreaterThanOrEqual(needed);
  });

  test('have memory for their bounds', () => {
    const bounds = (EDGE_LOG_BYTES + RELAY_QUEUE_BYTES) / 2 ** 20;
    expect(parameter('relay', 'TaskMemory')).toBeGreaterThanOrEqual(bounds + PROCESS_MIB);
  });
});

describe('stacks', () => {
  const stacks = { BalancerStack: 'balancer', EdgeStack: 'edge-node', RolesStack: 'roles' };

  test.each(['edge-node', 'relay', 'alarms'])('%s imports only what the others export', (name) => {
    const imported = [...read(`infra/ecs/${name}.yaml`).matchAll(/'\$\{(\w+Stack)\}-(\w+)'/g)];
    expect(imported.length).toBeGreaterThan(0);
    const unknown = imported.filter(([, stack = '', output = '']) => {
      const { Outputs = {} } = template(stacks[stack as keyof typeof stacks]);
      return Outputs[output]?.Export?.Name !== `\${AWS::StackName}-${output}`;
    });
    expect(unknown.map(([all]) => all)).toEqual([]);
  });
});

describe('alarms', () => {
  const alarms = ofType('alarms', 'AWS::CloudWatch::Alarm');
  const collected = read('infra/ecs/edge-node.yaml').match(/regex: streaming_\(([\w|]+)\)/)?.[1];

  test('there is one for each promise', () => {
    const names = Object.keys(template('alarms').Resources);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['EdgeNodeDown', 'EdgeNodeUnhealthy'],
        ...['SourceAway', 'StoreAway', 'UsageLate', 'UsageLost'],
      ]),
    );
  });

  test('ask for metrics that an edge node has and the collector carries', () => {
    const asked = alarms
      .filter(({ Namespace }) => Namespace === 'StreamingService')
      .map(({ MetricName }) => String(MetricName));
    expect(asked.length).toBeGreaterThan(3);
    const carried = (collected ?? '').split('|').map((name) => `streaming_${name}`);
    const served = servedMetrics();
    expect(carried.filter((name) => !served.has(name))).toEqual([]);
    expect(asked.filter((name) => !carried.includes(name))).toEqual([]);
  });

  test('a figure that is missing is no good news', () => {
    const gauges = alarms.filter(({ MetricName }) => !/_total$|undefined/.test(String(MetricName)));
    expect(gauges.map(({ TreatMissingData }) => TreatMissingData)).toEqual(
      gauges.map(() => 'breaching'),
    );
  });
});
