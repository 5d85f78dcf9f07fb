import { parseArgs } from 'node:util';
import { type CassandraEngineOptions, cassandraEngine } from './cassandra.ts';
import { dynamoDbEngine } from './dynamodb.ts';
import { EngineUnavailable } from './engine-host.ts';
import { assertFree } from './free-ports.ts';

const USAGE = `usage: node infra/local/engine.ts cassandra|dynamodb start|stop|remove [--port N] [--sync periodic|batch]

A real engine on loopback, for those without a cluster or an account: in Docker where it answers, else on Java with
the help of Maven. It keeps its data over stop and start; remove takes them away.
  --port   default: 9042 for cassandra, 8000 for dynamodb
  --sync   when Cassandra confirms a write: once in memory (periodic, its default) or once on disk (batch)`;

const DEFAULT_PORTS = { cassandra: 9042, dynamodb: 8000 } as const;

function advice(name: 'cassandra' | 'dynamodb', port: number): string {
  return name === 'cassandra'
    ? `STORE=cassandra DB_NODES=127.0.0.1:${port}`
    : `STORE=dynamodb AWS_ENDPOINT_URL=http://127.0.0.1:${port} AWS_REGION=us-east-1 ` +
        'AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local';
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string' }, sync: { type: 'string', default: 'periodic' } },
  });
  const [name, verb] = positionals;
  const { sync: commitLogSync } = values;
  if (
    (name !== 'cassandra' && name !== 'dynamodb') ||
    (verb !== 'start' && verb !== 'stop' && verb !== 'remove') ||
    (commitLogSync !== 'periodic' && commitLogSync !== 'batch')
  ) {
    throw new RangeError(USAGE);
  }
  const port = Number(values.port ?? DEFAULT_PORTS[name]);
  const options: CassandraEngineOptions = { commitLogSync, detached: true, say: console.log };
  const engine = await (name === 'cassandra' ? cassandraEngine : dynamoDbEngine)(port, options);
  switch (verb) {
    case 'start':
      if (!(await engine.isAlive())) {
        await assertFree(port);
        await engine.start();
      }
      return console.log(`${name} serves on 127.0.0.1:${port}: ${advice(name, port)}`);
    case 'stop':
      return engine.end();
    case 'remove':
      return engine.stop();
  }
}

try {
  await main();
} catch (error) {
  const foreseen = error instanceof RangeError || error instanceof EngineUnavailable;
  console.error(foreseen ? error.message : error);
  process.exitCode = 1;
}
