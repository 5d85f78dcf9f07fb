import { startCassandra } from '../../local/cassandra.ts';
import { startDynamoDb } from '../../local/dynamodb.ts';
import type { LocalEngine } from '../../local/local-engine.ts';
import { TEST_ENGINES, type TestEngine, testEndpoint } from '../../local/test-stores.ts';

const running = new Set<LocalEngine>();

async function stop(engine: LocalEngine): Promise<void> {
  await engine.stop();
  running.delete(engine);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await Promise.all([...running].map(stop));
    process.exit(130);
  });
}

async function start(name: TestEngine): Promise<[LocalEngine, endpoint: string]> {
  if (name === 'cassandra') {
    const engine = await startCassandra({ say: console.log });
    return [engine, `127.0.0.1:${engine.port}`];
  }
  const engine = await startDynamoDb({ say: console.log });
  return [engine, `http://127.0.0.1:${engine.port}`];
}

/**
 * Does `work` while the engine runs: one that TEST_… names, as for the tests, else one of the bench's own.
 * @throws EngineUnavailable where none can run
 */
export async function withEngine<T>(name: TestEngine, work: () => Promise<T>): Promise<T> {
  if (testEndpoint(name) !== undefined) return work();
  const [engine, endpoint] = await start(name);
  running.add(engine);
  process.env[TEST_ENGINES[name]] = endpoint;
  try {
    return await work();
  } finally {
    await stop(engine);
  }
}
