import type { UserId } from '../../../shared/ids.ts';
import { apiKey, askJson } from '../ask.ts';
import { CliError } from '../cli-error.ts';
import { places } from '../places.ts';
import { durationText } from '../terminal/figures.ts';
import { paint, say, sayJson, sayTable } from '../terminal/print.ts';
import { shown, table } from '../terminal/table.ts';

const BAR_CELLS = 24;
const CHANNEL_COLUMNS = columns('CHANNEL');
const HOUR_COLUMNS = columns('HOUR FROM');

type Seconds = Readonly<Record<string, number>>;

interface Usage {
  readonly sessions: Seconds;
  readonly hours: readonly { readonly from: string; readonly sessions: Seconds }[];
}

interface UsageOptions {
  readonly at?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** `usage USER`: the seconds of the last 24 hours by channel, most watched first, and by hour of this machine's clock. */
export async function usage(userId: UserId, { at, token, json }: UsageOptions): Promise<void> {
  const url = `${at ?? places().functions}/usage/${encodeURIComponent(userId)}?by=hour`;
  const answer = await askJson(url, apiKey() ?? token);
  if (json) return sayJson(answer);
  const { sessions, hours } = usageIn(answer, url);
  const channels = Object.entries(sessions).sort((one, other) => other[1] - one[1]);
  if (channels.length === 0) return say(`${shown(userId)} watched nothing in the last 24 hours`);
  const rows = bars(channels.map(([channel, seconds]) => [shown(channel), seconds]));
  const total = sumOf(sessions);
  if (channels.length > 1) rows.push(['total', String(total), durationText(total)]);
  sayTable(table(CHANNEL_COLUMNS, rows));
  say('');
  const byHour = hours.map((hour) => [hourText(hour.from), sumOf(hour.sessions)] as const);
  sayTable(table(HOUR_COLUMNS, bars(byHour)));
}

function columns(title: string) {
  return [
    { title },
    { title: 'SECONDS', isFigure: true },
    { title: 'H:MM:SS', isFigure: true },
    { title: '' },
  ];
}

/** A row for each name, with a bar beside its seconds; the longest is as long as bars get. */
function bars(named: readonly (readonly [string, number])[]): string[][] {
  const most = Math.max(1, ...named.map(([, seconds]) => seconds));
  return named.map(([name, seconds]) => [
    ...[name, String(seconds), durationText(seconds)],
    paint('cyan', '━'.repeat(Math.round((seconds / most) * BAR_CELLS))),
  ]);
}

function sumOf(sessions: Seconds): number {
  return Object.values(sessions).reduce((sum, seconds) => sum + seconds, 0);
}

function hourText(from: string): string {
  const time = new Date(from);
  const day = time.toLocaleDateString('en-GB', { weekday: 'short' });
  return `${day} ${time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}`;
}

function usageIn(answer: unknown, url: string): Usage {
  const { sessions, hours } = Object(answer);
  if (isSeconds(sessions) && Array.isArray(hours) && hours.every(isHour))
    return { sessions, hours };
  throw new CliError(`${url} is no part of this service: it names no sessions`);
}

function isHour(hour: unknown): hour is Usage['hours'][number] {
  const { from, sessions } = Object(hour);
  return typeof from === 'string' && isSeconds(sessions);
}

function isSeconds(sessions: unknown): sessions is Seconds {
  return (
    typeof sessions === 'object' &&
    sessions !== null &&
    Object.values(sessions).every((seconds) => typeof seconds === 'number')
  );
}
