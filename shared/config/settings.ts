import { FEED_SETTINGS } from './feed-settings.ts';
import { FLEET_SETTINGS } from './fleet-settings.ts';
import { GATEWAY_SETTINGS } from './gateway-settings.ts';
import { OPENING_SETTINGS } from './opening-settings.ts';
import { PLACEMENT_SETTINGS } from './placement-settings.ts';
import { SERVICE_SETTINGS } from './service-settings.ts';
import { STORE_SETTINGS } from './store-settings.ts';

/**
 * Every setting of all programs, once: its name in the environment, form, default, and what it trades. By what it is
 * about, in the order of docs/settings.md, which `npm run docs` makes from this.
 */
export const SETTING_GROUPS = {
  ...SERVICE_SETTINGS,
  ...PLACEMENT_SETTINGS,
  ...FLEET_SETTINGS,
  ...OPENING_SETTINGS,
  ...STORE_SETTINGS,
  ...GATEWAY_SETTINGS,
  ...FEED_SETTINGS,
} as const;
