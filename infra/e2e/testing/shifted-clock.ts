import { readFileSync } from 'node:fs';

/**
 * Loaded before a service (`node --import`): its wall clock, and its threads', runs CLOCK_SHIFT_MS ahead, or by what
 * stands in CLOCK_SHIFT_FILE, so that it can be set while the service runs.
 */
const FOLLOW_MS = 50;
const now = Date.now;
const file = process.env.CLOCK_SHIFT_FILE;
let shiftMs = Number(process.env.CLOCK_SHIFT_MS ?? 0);
let readAtMs = Number.NEGATIVE_INFINITY;

/** As it stands in the file whenever the time is asked for: a timer would be late on a busy machine. */
function follow(path: string): void {
  if (performance.now() - readAtMs < FOLLOW_MS) return;
  readAtMs = performance.now();
  shiftMs = Number(readFileSync(path, 'utf8'));
}

Date.now = () => {
  if (file) follow(file);
  return now() + shiftMs;
};
