import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { ChannelId, UserId } from '../../shared/ids.ts';
import { MINUTE_MS, SESSION_LINES_A_MINUTE } from '../../shared/limits.ts';
import { SessionLines } from './session-lines.ts';

function rig() {
  const written: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line) => written.push(JSON.parse(line)) });
  const lines = new SessionLines(logger);
  const end = (user: string, nowMs: number) => {
    const where = { user: user as UserId, channel: 'zato01' as ChannelId, address: '192.0.2.1' };
    const what = { reason: 'client_closed', seconds: 0.5, connectedSeconds: 1, skipped: 2 };
    lines.ended({ ...where, ...what }, nowMs);
  };
  const about = (user: string) => written.filter((line) => line.user === user);
  return { lines, end, about };
}

it('has a line for each of ten sessions of a user in a minute, and one for all others', () => {
  const { lines, end, about } = rig();
  for (let i = 0; i < 1000; i += 1) end('flapping', i);
  end('steady', 1000);
  expect(about('flapping')).toHaveLength(SESSION_LINES_A_MINUTE);
  expect(about('flapping')[0]).toMatchObject({ msg: 'session ended', address: '192.0.2.1' });
  expect(about('steady')).toHaveLength(1);
  lines.tick(MINUTE_MS);
  const sessions = 1000 - SESSION_LINES_A_MINUTE;
  expect(about('flapping').slice(SESSION_LINES_A_MINUTE)).toMatchObject([
    { msg: 'sessions ended', sessions, seconds: sessions / 2, skipped: 2 * sessions },
  ]);
  expect(about('steady')).toHaveLength(1);
});

it('begins anew each minute, and sums up what is left before the end', () => {
  const { lines, end, about } = rig();
  for (let i = 0; i <= SESSION_LINES_A_MINUTE; i += 1) end('user-1', 0);
  end('user-1', MINUTE_MS);
  expect(about('user-1')).toHaveLength(SESSION_LINES_A_MINUTE + 2);
  for (let i = 0; i < SESSION_LINES_A_MINUTE; i += 1) end('user-1', MINUTE_MS + 1);
  lines.flush();
  lines.flush();
  expect(about('user-1')).toHaveLength(2 * SESSION_LINES_A_MINUTE + 2);
  expect(about('user-1').at(-1)).toMatchObject({ msg: 'sessions ended', sessions: 1 });
});
