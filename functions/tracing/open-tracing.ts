import type { LogLimiter } from '../../shared/logger.ts';
import type { StoreName } from '../../shared/store/engines.ts';
import { tracingSettings } from './settings.ts';
import type { Tracing } from './tracing.ts';

interface TracingParts {
  /** With OpenTelemetry's own variables, which its packages read from the process, too. */
  readonly env: NodeJS.ProcessEnv;
  readonly store: StoreName;
  readonly limiter: LogLimiter;
}

/**
 * Traces as OpenTelemetry's variables ask for them. Without them none of its code is loaded: a start pays nothing.
 * @throws ConfigError where one of them cannot be used
 */
export async function openTracing({
  env,
  store,
  limiter,
}: TracingParts): Promise<Tracing | undefined> {
  const settings = tracingSettings(env);
  if (settings === undefined) return undefined;
  const { startTracing } = await import('./open-telemetry.ts');
  return startTracing(settings, store, limiter);
}
