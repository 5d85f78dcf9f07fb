import type { UserId } from '../../../shared/ids.ts';
import { apiKey, askJson } from '../ask.ts';
import { CliError } from '../cli-error.ts';
import { places } from '../places.ts';
import { durationText } from '../terminal/figures.ts';
import { paint, say, sayJson, sayTable } from '../terminal/print.ts';
import { shown, table } from '../terminal/table.ts';

const BAR_CELLS = 24;
const COLUMNS = [
  { title: 'CHANNEL' },
  { title: 'SECONDS', isFigure: true },
  { title: 'H:MM:SS', isFigure: true },
  { title: '' },
];

interface UsageOptions {
  readonly at?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** `usage USER`: the seconds of the last 24 hours, most watched first. */
export async function usage(userId: UserId, { at, token, json }: UsageOptions): Promise<void> {
  const url = `${at ?? places().functions}/usage/${encodeURIComponent(userId)}`;
  const answer = await askJson(url, apiKey() ?? token);
  if (json) return sayJson(answer);
  const channels = Object.entries(sessionsIn(answer, url)).sort((one, other) => other[1] - one[1]);
  if (channels.length === 0) return say(`${shown(userId)} watched nothing in the last 24 hours`);
  const most = Math.max(1, channels[0]?.[1] ?? 1);
  const total = channels.reduce((sum, [, seconds]) => sum + seconds, 0);
  const rows = channels.map(([channel, seconds]) => [
    ...[shown(channel), String(seconds), durationText(seconds)],
    paint('cyan', '━'.repeat(Math.round((seconds / most) * BAR_CELLS))),
  ]);
  if (channels.length > 1) rows.push(['total', String(total), durationText(total)]);
  sayTable(table(COLUMNS, rows));
}

function sessionsIn(answer: unknown, url: string): Record<string, number> {
  const { sessions } = Object(answer);
  const isUsage =
    typeof sessions === 'object' &&
    sessions !== null &&
    Object.values(sessions).every((seconds) => typeof seconds === 'number');
  if (!isUsage) throw new CliError(`${url} is no part of this service: it names no sessions`);
  return sessions;
}
