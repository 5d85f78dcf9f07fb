/** Figures as people read them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

const whole = new Intl.NumberFormat('en');

export function countText(count: number): string {
  return whole.format(count);
}

export function bytesText(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** unit;
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Such as "12 s", "0:04:05", "1:02:03", "3 d 04:00". */
export function durationText(seconds: number): string {
  const all = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (all < MINUTE) return `${all} s`;
  const minutes = two(Math.floor((all % HOUR) / MINUTE));
  if (all < DAY) return `${Math.floor(all / HOUR)}:${minutes}:${two(all % MINUTE)}`;
  return `${Math.floor(all / DAY)} d ${two(Math.floor((all % DAY) / HOUR))}:${minutes}`;
}

export function percentText(part: number): string {
  return `${Math.round(100 * part)} %`;
}

/** Such as 14:00, of this machine's clock. */
export function clockText(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}
