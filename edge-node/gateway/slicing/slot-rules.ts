/** How far behind the open slot a PCR may lie and still belong to it: clocks of muxers jitter. */
export const STAY_BEHIND_SLOTS = 5;
/** How far ahead a PCR may lie for the slots between to be handed on, empty; further on it is a jump. */
export const FILL_MAX_SLOTS = 250;
/** The same after a loss. It is less, so that nobody is billed for more than a second of input that never came. */
export const FILL_AFTER_LOSS_SLOTS = 50;
/** After so long with bytes but no PCR, slots follow the time of arrival. */
export const CLOCK_LOST_MS = 1_000;
