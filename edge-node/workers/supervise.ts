import { systemClock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import { createLogger } from '../../shared/logger.ts';
import type { ServiceProcess } from '../../shared/run-service.ts';
import { readyLine } from '../transports/listening.ts';
import { Supervisor } from './supervisor.ts';

/** An edge node of several workers, until it is told to stop: this process supervises them. */
export async function supervise(
  config: Config,
  { output, stopped, onImpatience }: ServiceProcess,
): Promise<void> {
  const logger = createLogger(config.LOG_LEVEL, 'edge-node', output);
  const supervisor = new Supervisor({
    config,
    logger,
    clock: systemClock(),
    droppedLogLines: () => output.droppedLines,
  });
  onImpatience(() => supervisor.hurry());
  try {
    const started = await Promise.race([supervisor.start(), stopped]);
    if (typeof started !== 'string') {
      const { EDGE_WORKERS: workers } = config;
      const [ports, text] = readyLine(started, config);
      logger.info({ ...ports, workers }, `${text}, with ${workers} workers`);
    }
    const signal = await stopped;
    logger.info({ signal }, 'stopping');
  } finally {
    await supervisor.stop();
  }
  logger.info('stopped');
}
