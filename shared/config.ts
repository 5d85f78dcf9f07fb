import type { Setting, Values } from './config/setting.ts';
import { SETTING_GROUPS } from './config/settings.ts';
import { ConfigError } from './errors.ts';
import { HELD_PACKET_OVERHEAD_BYTES } from './limits.ts';
import { defaultsWith } from './store/engines.ts';

type Groups = (typeof SETTING_GROUPS)[keyof typeof SETTING_GROUPS];
type Flattened<U> = (U extends unknown ? (u: U) => void : never) extends (all: infer All) => void
  ? All
  : never;
type Settings = Flattened<Groups>;

/** Every setting by its name in the environment. */
export const SETTINGS = Object.assign({}, ...Object.values(SETTING_GROUPS)) as Settings;

export type SettingName = keyof Settings;
export type Config = Values<Settings>;

/** A setting that must be at least so much, which follows from others as `by` says. */
interface LeastValue {
  readonly name: NumberSetting;
  readonly least: number;
  readonly by: string;
  readonly unit: 'bytes' | 'ms';
}
type NumberSetting = {
  [N in SettingName]: Config[N] extends number ? N : never;
}[SettingName];

/** Relations between settings that a start depends on. */
function leastValues(config: Config): readonly LeastValue[] {
  const overhead = HELD_PACKET_OVERHEAD_BYTES;
  const largest = config.MAX_PAYLOAD_BYTES + overhead;
  return [
    {
      name: 'REORDER_DEADLINE_MS',
      least: config.REORDER_SETTLE_MS,
      by: 'REORDER_SETTLE_MS',
      unit: 'ms',
    },
    {
      name: 'REORDER_DEADLINE_MS',
      least: config.SUSPECT_DELAY_MS + 1,
      by: 'SUSPECT_DELAY_MS + 1',
      unit: 'ms',
    },
    {
      name: 'REORDER_MAX_BYTES',
      least: 2 * largest,
      by: `2 * (MAX_PAYLOAD_BYTES + ${overhead})`,
      unit: 'bytes',
    },
    {
      name: 'CHANNEL_LOG_BYTES',
      least: largest,
      by: `MAX_PAYLOAD_BYTES + ${overhead}`,
      unit: 'bytes',
    },
    {
      name: 'EDGE_LOG_BYTES',
      least: config.EDGE_WORKERS * (config.CHANNEL_LOG_BYTES + config.REORDER_MAX_BYTES),
      by: 'EDGE_WORKERS * (CHANNEL_LOG_BYTES + REORDER_MAX_BYTES)',
      unit: 'bytes',
    },
  ];
}

/** @throws ConfigError where one of two is set that mean nothing without each other */
function assertTogether(
  env: Readonly<Record<string, string | undefined>>,
  one: SettingName,
  other: SettingName,
): void {
  if (!env[one] === !env[other]) return;
  const [lacking, given] = env[one] ? [other, one] : [one, other];
  throw new ConfigError(`${lacking} must be set with ${given}`);
}

/**
 * Reads all settings from an environment; an empty value counts as unset.
 * @throws ConfigError with one line that names the setting
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const ofStore = defaultsWith(env.STORE || SETTINGS.STORE.default);
  const entries = Object.entries<Setting<unknown>>(SETTINGS).map(
    ([name, { parse, default: fallback, isSecret }]) => {
      const given = env[name] || (ofStore[name] ?? fallback);
      try {
        return [name, parse(given)];
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const shown = isSecret ? 'the present value (hidden)' : JSON.stringify(given);
        throw new ConfigError(`${name} must be ${error.message}, not ${shown}`);
      }
    },
  );
  assertTogether(env, 'STREAM_TLS_CERT', 'STREAM_TLS_KEY');
  const config = Object.freeze(Object.fromEntries(entries) as Config);
  for (const { name, least, by, unit } of leastValues(config)) {
    const value = config[name];
    if (value >= least) continue;
    throw new ConfigError(`${name} must be at least ${by} (${least} ${unit}), is ${value}`);
  }
  if (config.WATCH_REGISTER === 'open' && config.API_KEYS.length > 0) {
    throw new ConfigError(
      'WATCH_REGISTER must be closed where API_KEYS is set: only who has a key may register',
    );
  }
  return config;
}
