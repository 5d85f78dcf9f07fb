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

/** Relations between settings that a start depends on: [holds, what to say]. */
function relations(config: Config): readonly (readonly [boolean, string])[] {
  const largest = config.MAX_PAYLOAD_BYTES + HELD_PACKET_OVERHEAD_BYTES;
  return [
    [
      config.REORDER_SETTLE_MS <= config.REORDER_DEADLINE_MS,
      'REORDER_SETTLE_MS must not exceed REORDER_DEADLINE_MS',
    ],
    [
      2 * largest <= config.REORDER_MAX_BYTES,
      'REORDER_MAX_BYTES must hold two packets of MAX_PAYLOAD_BYTES',
    ],
    [
      largest <= config.CHANNEL_LOG_BYTES,
      'CHANNEL_LOG_BYTES must hold a packet of MAX_PAYLOAD_BYTES',
    ],
    [
      config.CHANNEL_LOG_BYTES + config.REORDER_MAX_BYTES <= config.EDGE_LOG_BYTES,
      'EDGE_LOG_BYTES must hold CHANNEL_LOG_BYTES and REORDER_MAX_BYTES of one channel',
    ],
    [
      config.SUSPECT_DELAY_MS < config.REORDER_DEADLINE_MS,
      'SUSPECT_DELAY_MS must be less than REORDER_DEADLINE_MS',
    ],
  ];
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
        const shown = isSecret ? 'what it is set to' : JSON.stringify(given);
        throw new ConfigError(`${name} must be ${error.message}, not ${shown}`);
      }
    },
  );
  const config = Object.freeze(Object.fromEntries(entries) as Config);
  for (const [holds, problem] of relations(config)) if (!holds) throw new ConfigError(problem);
  return config;
}
