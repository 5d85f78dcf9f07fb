import { readFileSync } from 'node:fs';

/**
 * Loaded before a service (`node --import`): its wall clock, and its threads', runs CLOCK_SHIFT_MS ahead, or by what
 * stands in CLOCK_SHIFT_FILE, so that it can be set while the service runs.
 */
const FOLLOW_MS = 50;
const now = Date.now;
const file = process.env.CLOCK_SHIFT_FILE;
let shiftMs = Number(process.env.CLOCK_SHIFT_MS ?? 0);

if (file) {
  const follow = () => {
    shiftMs = Number(readFileSync(file, 'utf8'));
  };
  follow();
  setInterval(follow, FOLLOW_MS).unref();
}
Date.now = () => now() + shiftMs;
