import { systemClock } from '../shared/clock.ts';
import { type Config, loadConfig } from '../shared/config.ts';
import { createLogger } from '../shared/logger.ts';
import { runService, type ServiceProcess } from '../shared/run-service.ts';
import { openStore } from '../shared/store/open-store.ts';
import { readyLine } from './transports/listening.ts';

/** Runs until it is told to stop. */
async function main(service: ServiceProcess): Promise<void> {
  const config = loadConfig(process.env);
  if (config.EDGE_WORKERS === 1) return serve(config, service);
  const { supervise } = await import('./workers/supervise.ts');
  return supervise(config, service);
}

/** The whole node in this process. What it is made of is not loaded where others serve. */
async function serve(
  config: Config,
  { output, stopped, onImpatience, mayHang }: ServiceProcess,
): Promise<void> {
  const { EdgeNode } = await import('./edge-node.ts');
  const logger = createLogger(config.LOG_LEVEL, 'edge-node', output);

  const clock = systemClock();
  const store = await Promise.race([openStore(config, logger, clock), stopped]);
  if (typeof store === 'string') return;

  const edge = new EdgeNode({
    config,
    store,
    logger,
    clock,
    droppedLogLines: () => output.droppedLines,
  });
  logger.info(...readyLine(await edge.start(), config));

  onImpatience(() => edge.hurry());
  const signal = await stopped;
  logger.info({ signal }, 'stopping');
  await edge.stop();
  mayHang(edge.spoolFolder.idle());
  logger.info('stopped');
}

await runService(main);
