import { existsSync } from 'node:fs';

/** Where Debian, Ubuntu, and macOS have a Chromium that plays H.264. `.ci/run` installs the first. */
const PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
] as const;

/** CHROMIUM_PATH, else the one of this machine; where there is none, the first says by its name what lacks. */
export function chromiumPath(): string {
  return process.env.CHROMIUM_PATH || (PATHS.find((path) => existsSync(path)) ?? PATHS[0]);
}
