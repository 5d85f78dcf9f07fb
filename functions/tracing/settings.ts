import { integer, oneOf, type Parse } from '../../shared/config/setting.ts';
import { ConfigError } from '../../shared/errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

const ROOT_SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;
const SAMPLERS = [
  ...ROOT_SAMPLERS,
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** What OpenTelemetry's own variables say, beside those that its packages read themselves. */
export interface TracingSettings {
  readonly sampler: (typeof ROOT_SAMPLERS)[number];
  /** Part of the traces that `traceidratio` keeps. */
  readonly ratio: number;
  /** Whether a caller's choice for a trace goes before the sampler. */
  readonly followsCaller: boolean;
  /** Whether a caller's trace is gone on with, by the header `traceparent`. */
  readonly takesContext: boolean;
  readonly serviceName: string | undefined;
  readonly queueMax: number;
  readonly batchMax: number;
  readonly batchDelayMs: number;
  readonly exportTimeoutMs: number;
}

/**
 * Read apart from the settings of `shared/config`: these variables are set for all programs of a machine, and one that
 * only another program can use must not keep an edge node from its start.
 *
 * @returns undefined where no traces are asked for
 * @throws ConfigError with one line that names the variable
 */
export function tracingSettings(env: Env): TracingSettings | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  const exporter = read(env, 'OTEL_TRACES_EXPORTER', oneOf('', 'otlp', 'none'), '');
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (exporter === 'none' || (exporter === '' && !endpoint)) return undefined;

  const protocol = oneOf('http/protobuf');
  read(env, 'OTEL_EXPORTER_OTLP_PROTOCOL', protocol, 'http/protobuf');
  read(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', protocol, 'http/protobuf');
  const sampler = read(env, 'OTEL_TRACES_SAMPLER', oneOf(...SAMPLERS), 'parentbased_always_on');
  const root = sampler.replace('parentbased_', '') as TracingSettings['sampler'];
  const isNamed = /(^|,)\s*service\.name=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? '');
  const count = integer(1, 1_000_000);
  const ms = integer(1, 600_000);
  return {
    sampler: root,
    ratio: read(env, 'OTEL_TRACES_SAMPLER_ARG', partOfOne, '1'),
    followsCaller: root !== sampler,
    takesContext: (env.OTEL_PROPAGATORS || 'tracecontext').split(',').includes('tracecontext'),
    serviceName: env.OTEL_SERVICE_NAME || isNamed ? undefined : 'functions',
    queueMax: read(env, 'OTEL_BSP_MAX_QUEUE_SIZE', count, '2048'),
    batchMax: read(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', count, '512'),
    batchDelayMs: read(env, 'OTEL_BSP_SCHEDULE_DELAY', ms, '5000'),
    exportTimeoutMs: read(env, 'OTEL_BSP_EXPORT_TIMEOUT', ms, '30000'),
  };
}

function read<T>(env: Env, name: string, parse: Parse<T>, fallback: string): T {
  const given = env[name] || fallback;
  try {
    return parse(given);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError(`${name} must be ${error.message}, not ${JSON.stringify(given)}`);
  }
}

const partOfOne: Parse<number> = (text) => {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 1)) throw new RangeError('a number from 0 to 1');
  return value;
};
