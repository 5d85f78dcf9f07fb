import { serverEngine, startEngine } from '../../local/engines/engines.ts';
import type { LocalEngine } from '../../local/engines/local-engine.ts';
import { testEndpoint } from '../../local/test-stores.ts';

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

/**
 * Does `work` while the engine runs: one that TEST_… names, as for the tests, else one of the bench's own.
 * @throws EngineUnavailable where none can run
 */
export async function withEngine<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (testEndpoint(name) !== undefined) return work();
  const engine = await startEngine(name, { say: console.log });
  running.add(engine);
  const { testVariable, endpoint } = serverEngine(name);
  process.env[testVariable] = endpoint(engine.port);
  try {
    return await work();
  } finally {
    await stop(engine);
  }
}
