import { loadConfig } from '../shared/config.ts';
import { loadEngine } from '../shared/store/engines.ts';

/** `npm run schema`: makes what the store named by STORE needs. Safe to repeat, and at once from several places. */
try {
  const config = loadConfig(process.env);
  const engine = await loadEngine(config.STORE);
  await engine.createSchema(config, console.log);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // Whatever a driver may have left open, those who wait for this command must not wait for that.
  process.exit(1);
}
