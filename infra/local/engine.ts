import { parseArgs } from 'node:util';
import { EngineUnavailable } from './engines/engine-host.ts';
import { SERVER_ENGINES, serverEngine } from './engines/engines.ts';
import { assertFree } from './free-ports.ts';

const NAMES = [...SERVER_ENGINES.keys()].join('|');
const PORTS = [...SERVER_ENGINES].map(([name, { defaultPort }]) => `${defaultPort} for ${name}`);
const USAGE = `usage: node infra/local/engine.ts ${NAMES} start|stop|remove [--port N] [--durable]

A real engine on loopback, for those without a cluster or an account: in Docker where it answers, else on Java with
the help of Maven. It keeps its data over stop and start; remove takes them away.
  --port     default: ${PORTS.join(', ')}
  --durable  confirms a write only once it is on disk, which is slower`;

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string' }, durable: { type: 'boolean', default: false } },
  });
  const [name = '', verb] = positionals;
  if (!SERVER_ENGINES.has(name) || (verb !== 'start' && verb !== 'stop' && verb !== 'remove')) {
    throw new RangeError(USAGE);
  }
  const local = serverEngine(name);
  const port = Number(values.port ?? local.defaultPort);
  const options = { durable: values.durable, detached: true, say: console.log };
  const engine = await local.create(port, options);
  switch (verb) {
    case 'start': {
      if (!(await engine.isAlive())) {
        await assertFree(port);
        await engine.start();
      }
      const environment = Object.entries(local.environment(local.endpoint(port)));
      const advice = environment.map(([variable, value]) => `${variable}=${value}`).join(' ');
      return console.log(`${name} serves on 127.0.0.1:${port}: STORE=${name} ${advice}`);
    }
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
