/** Loaded before a service (`node --import`): its wall clock, and its threads', runs CLOCK_SHIFT_MS ahead. */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS ?? 0);
const now = Date.now;
Date.now = () => now() + shiftMs;
