import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PACKET_MS, PAYLOAD_BYTES } from '../../demo/media/clip.ts';
import { register, usageOf } from '../../demo/viewer/demo-user.ts';
import { command, works } from './support/command.ts';
import type { Section, Step } from './support/section.ts';
import { allReceive, Viewer } from './support/viewer.ts';
import { TwoVersions } from './two-versions.ts';

const USERS = 200;
const CHANNEL = 'zato01';
const WATCH_MS = 3_000;
const PROBE_MS = 100;

/** From the last release to this version and back, as docs/upgrade.md has it: UPGRADE_FROM names another one. */
export const upgrade: Section = {
  title: 'Upgrade: the last release to this version, and back',
  async lacks() {
    const from = await lastRelease();
    if (from === '') return 'no release is tagged, and UPGRADE_FROM names none';
    return (await works('git', 'cat-file', '-e', `${from}^{commit}`)) ? undefined : `no ${from}`;
  },
  async run(step) {
    const from = await lastRelease();
    const scratch = await mkdtemp(join(tmpdir(), 'upgrade-'));
    const old = join(scratch, 'old');
    try {
      await command('git', ['worktree', 'add', '--detach', old, from]);
      await symlink(resolve('node_modules'), join(old, 'node_modules'));
      const versions = await TwoVersions.start(scratch, { old, new: process.cwd() });
      try {
        await play(versions, step);
      } finally {
        versions.kill();
      }
    } finally {
      await command('git', ['worktree', 'remove', '--force', old]);
      await rm(scratch, { recursive: true });
    }
  },
};

async function lastRelease(): Promise<string> {
  const named = process.env.UPGRADE_FROM;
  if (named) return named;
  return command('git', ['describe', '--tags', '--abbrev=0']).catch(() => '');
}

async function play(versions: TwoVersions, step: Step): Promise<void> {
  const viewers = Array.from(
    { length: USERS },
    (_, i) => new Viewer(`viewer-${i}`, () => versions.nextUsersPort()),
  );
  await Promise.all(viewers.map(({ userId }) => register(versions.origin, userId)));
  const probe = new Probe(() => versions.origin);
  const watching = Promise.all(viewers.map((viewer) => viewer.watch(CHANNEL)));
  await allReceive(viewers);
  await sleep(WATCH_MS);

  const moves = ['new', 'old'] as const;
  for (const [moved, to] of moves.entries()) {
    await step(`to the ${to} version under ${USERS} users`, async () => {
      await versions.moveTo(to);
      await allReceive(viewers);
      await sleep(WATCH_MS);
      const visits = viewers.map((viewer) => viewer.visits.length);
      const twice = visits.filter((count) => count > moved + 1).length;
      if (twice > 0) throw new Error(`${twice} users were cut off twice`);
      return 'each was cut off once';
    });
  }
  for (const viewer of viewers) viewer.leaveAtNextClose();
  await versions.stopEdgeNodes();
  await watching;

  await step('every second of it', async () => {
    const broken = viewers.flatMap(({ visits }) =>
      visits.filter(({ clean, bytes }) => !clean || bytes % PAYLOAD_BYTES !== 0),
    );
    if (broken.length > 0) throw new Error(`${broken.length} visits did not end in order`);
    let total = 0;
    for (const { userId, seconds } of viewers) {
      const stored = (await usageOf(versions.origin, userId))[CHANNEL];
      if (stored !== seconds) throw new Error(`${userId}: came ${seconds} s, stored ${stored} s`);
      total += seconds;
    }
    return `/usage has each of the ${total} s that came, packets of ${PACKET_MS} ms`;
  });
  await step('/register and /usage meanwhile', () => probe.end());
}

/** Asks both routes again and again, as users would. */
class Probe {
  readonly #origin: () => string;
  readonly #failures: string[] = [];
  readonly #done: Promise<void>;
  #asked = 0;
  #ends = false;

  constructor(origin: () => string) {
    this.#origin = origin;
    this.#done = this.#run();
  }

  async end(): Promise<string> {
    this.#ends = true;
    await this.#done;
    if (this.#failures.length > 0) {
      throw new Error(`${this.#failures.length} of ${this.#asked} failed: ${this.#failures[0]}`);
    }
    return `${this.#asked} requests, none failed`;
  }

  async #run(): Promise<void> {
    while (!this.#ends) {
      await this.#ask('/register', { method: 'POST', body: `probe-${this.#asked}` });
      await this.#ask('/usage/viewer-0', {});
      await sleep(PROBE_MS);
    }
  }

  async #ask(path: string, init: RequestInit): Promise<void> {
    this.#asked += 1;
    try {
      const answer = await fetch(`${this.#origin()}${path}`, init);
      await answer.arrayBuffer();
      if (!answer.ok) this.#failures.push(`${path} answered ${answer.status}`);
    } catch (error) {
      this.#failures.push(`${path}: ${error}`);
    }
  }
}
