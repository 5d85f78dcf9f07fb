import { setTimeout as sleep } from 'node:timers/promises';
import type { EdgeStatus } from '../../../edge-node/admin/snapshot.ts';
import { wallClockMs } from '../../../shared/clock.ts';
import { CliError } from '../cli-error.ts';
import { edgeStatus } from '../edge-status.ts';
import { places } from '../places.ts';
import { FullScreen } from '../terminal/full-screen.ts';
import { paint, say, sayJson } from '../terminal/print.ts';
import { topLines } from '../terminal/top-view.ts';

const EVERY_MS = 1_000;

/** `top`: an edge node at a glance, anew each second; where standard output is no terminal, once. */
export async function top({ at, json }: { at?: string; json?: boolean }): Promise<void> {
  const origin = at ?? places().admin;
  const first = await edgeStatus(origin);
  if (json) return sayJson(first);
  if (!process.stdout.isTTY) {
    for (const line of topLines(origin, first, Number.POSITIVE_INFINITY)) say(line);
    return;
  }
  const screen = new FullScreen();
  const quit = screen.open();
  try {
    let status: EdgeStatus = first;
    let askedAt = timeOfDay();
    let trouble = '';
    const draw = () => {
      const head = [`${askedAt}   every second, q quits   ${paint('red', trouble)}`];
      const room = screen.rows - head.length;
      screen.draw([...head, ...topLines(origin, status, room)]);
    };
    screen.onResize(draw);
    while (!quit.aborted) {
      draw();
      await sleep(EVERY_MS, undefined, { signal: quit }).catch(() => {});
      try {
        status = await edgeStatus(origin, quit);
        askedAt = timeOfDay();
        trouble = '';
      } catch (thrown) {
        if (!(thrown instanceof CliError)) throw thrown;
        trouble = thrown.message;
      }
    }
  } finally {
    screen.close();
  }
}

/** When what is shown was true. */
function timeOfDay(): string {
  return new Date(wallClockMs()).toLocaleTimeString('en-GB');
}
