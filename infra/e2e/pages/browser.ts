import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Where Debian, Ubuntu, and macOS have a Chromium that plays H.264. `.ci/run` installs the first. */
const PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
] as const;

/** What pages are looked at in. */
export const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1440, height: 900 },
} as const;

/** A browser that plays, and the pages as they are now in `dist`. */
export function launch(): Promise<Browser> {
  execFileSync(process.execPath, [join(import.meta.dirname, '../../docker/bundle-pages.ts')]);
  return chromium.launch({
    executablePath: chromiumPath(),
    timeout: 90_000,
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
}

/** CHROMIUM_PATH, else the one of this machine; where there is none, the first says by its name what lacks. */
function chromiumPath(): string {
  return process.env.CHROMIUM_PATH || (PATHS.find((path) => existsSync(path)) ?? PATHS[0]);
}
