import { STORE_ENGINE_SETTINGS, STORE_NAMES } from '../store/engines.ts';
import { oneOf, setting } from './setting.ts';

const quoted = STORE_NAMES.map((name) => `\`${name}\``);

/** Where registrations and usage live. */
export const STORE_SETTINGS = {
  'The store': {
    STORE: setting(
      oneOf(...STORE_NAMES),
      'cassandra',
      `Where registrations and usage live: ${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}.`,
    ),
  },
  ...STORE_ENGINE_SETTINGS,
} as const;
