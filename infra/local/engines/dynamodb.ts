import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ContainerHost } from './container-host.ts';
import type { EngineHost } from './engine-host.ts';
import type { EngineOptions, ServerEngine } from './engine-kind.ts';
import { JvmHost } from './jvm-host.ts';
import { LocalEngine } from './local-engine.ts';
import { CACHE, type EngineSource, prepareRuntime, type Runtime } from './runtime.ts';

const SOURCE: EngineSource = {
  name: 'dynamodb',
  image: 'amazon/dynamodb-local:latest',
  artifact: 'software.amazon.dynamodb:DynamoDBLocal:3.3.1',
  java: [17],
};

const HEAP = '-Xmx512m';
const INNER_PORT = 8000;

/** One database for all regions and keys, on disk so that it outlives a restart. */
function serverArguments(port: number, data: string): string[] {
  return ['-port', String(port), '-sharedDb', '-disableTelemetry', '-dbPath', data];
}

/** As a process it listens on all addresses, and has no option against that; as a container on loopback alone. */
async function createHost(
  runtime: Runtime,
  port: number,
  { detached = false }: EngineOptions,
): Promise<EngineHost> {
  const folder = join(CACHE, 'run', `dynamodb-${port}`);
  if (runtime.kind === 'docker') {
    return new ContainerHost({
      name: `streaming-service-dynamodb-${port}`,
      image: runtime.image,
      innerPort: INNER_PORT,
      port,
      env: {},
      folder,
      mounts: {},
      command: [HEAP, '-jar', 'DynamoDBLocal.jar', ...serverArguments(INNER_PORT, '.')],
    });
  }
  await mkdir(folder, { recursive: true });
  const args = [
    HEAP,
    '-XX:+ExitOnOutOfMemoryError',
    `-Djava.library.path=${runtime.jars}`,
    ...['-cp', `${runtime.jars}/*`],
    'software.amazon.dynamodb.services.local.main.ServerRunner',
    ...serverArguments(port, folder),
  ];
  return new JvmHost({ folder, java: runtime.java, args, detached });
}

/** Any answer will do: an unsigned request is refused by a server that works. */
async function answers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) });
    await answer.body?.cancel();
    return answer.status === 400;
  } catch {
    return false;
  }
}

/** DynamoDB Local, which takes any keys. */
export const DYNAMODB: ServerEngine = {
  kind: 'server',
  source: SOURCE,
  defaultPort: 8000,
  testVariable: 'TEST_DYNAMODB_ENDPOINT',
  isStandIn: true,
  endpoint: (port) => `http://127.0.0.1:${port}`,
  environment: (endpoint) => ({
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }),
  ownPart: (name) => ({ DYNAMODB_TABLE_PREFIX: name }),
  // The tables of an engine that tests start go when it goes.
  removePart: async () => {},
  async create(port, options) {
    const runtime = await prepareRuntime(SOURCE, options.say ?? (() => {}));
    return new LocalEngine(port, await createHost(runtime, port, options), () => answers(port));
  },
};
