const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Figures as people read them. */

export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

export function bitrateText(bitsPerSecond: number): string {
  const megabits = bitsPerSecond / 1_000_000;
  return megabits >= 1 ? `${megabits.toFixed(1)} Mbit/s` : `${Math.round(megabits * 1000)} kbit/s`;
}

/** Hours, minutes and seconds. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** "1 gap", "2 gaps". */
export function counted(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? '' : 's'}`;
}
