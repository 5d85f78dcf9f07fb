import { relative } from 'node:path';
import { PACKET_MS } from './media/clip.ts';
import type { Screen } from './screen.ts';
import { type DemoUser, usageOf } from './viewer/demo-user.ts';
import { complaints, type Played } from './viewer/verdict.ts';

const HEAD = ['user', 'channel', 'bytes', 'seconds', 'gaps', 'TS errors', '/usage says', ''];
const NUMBERS: ReadonlySet<number> = new Set([2, 3, 4, 5]);

/** Shows what each user got, and tells whether all is as it should be. */
export async function report(
  screen: Screen,
  users: readonly DemoUser[],
  played: ReadonlyMap<string, Played>,
  origin: string,
): Promise<boolean> {
  const rows: string[][] = [];
  const wrong: string[] = [];
  for (const user of users) {
    const { userId, channelId } = user.options;
    const usage = await usageOf(origin, userId);
    const found = complaints(user, played.get(channelId), usage);
    rows.push([...row(user, usage), found.length === 0 ? '✓' : '✗']);
    wrong.push(...found.map((complaint) => `${userId}: ${complaint}`));
  }
  screen.line();
  screen.table(HEAD, rows, NUMBERS);
  screen.line();
  for (const line of wrong) screen.line(`${screen.paint('red', '✗')} ${line}`);
  if (wrong.length === 0) {
    screen.line(
      `${screen.paint('green', '✓')} every user got each byte of its channel, in order, and /usage counts every second`,
    );
  }
  const [first] = users;
  if (first) {
    const file = relative(process.cwd(), first.options.file);
    screen.line(
      `  The streams are ${file.replace(/1\.ts$/, 'N.ts')}: ffplay ${file}, or vlc ${file}`,
    );
  }
  return wrong.length === 0;
}

function row({ options, check }: DemoUser, usage: Readonly<Record<string, number>>): string[] {
  const said = Object.entries(usage).map(([channel, seconds]) => `${channel} ${seconds} s`);
  return [
    options.userId,
    options.channelId,
    check.bytes.toLocaleString('en'),
    ((check.payloads * PACKET_MS) / 1000).toFixed(2),
    String(check.gaps),
    String(check.errors),
    said.join(', ') || 'nothing',
  ];
}
