/**
 * Keeps a real engine on loopback for the demo: `node infra/demo/services/engine-keeper.ts ENGINE`. Says on standard
 * output what it does, and at last `port N`. Its standard input is a pipe from the demo, which ends with the demo,
 * however that ends; then the engine is stopped and its data are removed.
 */
import { serverEngine } from '../../local/engines/engines.ts';
import type { LocalEngine } from '../../local/engines/local-engine.ts';
import { freePorts } from '../../local/free-ports.ts';

let engine: LocalEngine | undefined;

async function end(code: number): Promise<never> {
  await engine?.stop();
  process.exit(code);
}

process.stdin.on('close', () => end(0)).resume();
try {
  const [port = 0] = await freePorts(1);
  engine = await serverEngine(process.argv[2]).create(port, { say: console.log });
  await engine.start();
  console.log(`port ${port}`);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  await end(1);
}
