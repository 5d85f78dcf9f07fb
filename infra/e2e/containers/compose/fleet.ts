import { setTimeout as sleep } from 'node:timers/promises';
import { DemoUser, register, usageOf } from '../../../demo/viewer/demo-user.ts';
import { command, docker, works } from '../support/command.ts';
import { withFreshCopy } from '../support/fresh-copy.ts';
import type { Section, Step } from '../support/section.ts';
import { allReceive, Viewer } from '../support/viewer.ts';
import { lacksCompose, Stack } from './stack.ts';

const PROFILES = ['--profile', 'fleet', '--profile', 'demo'] as const;
const CHANNEL = 'zato01';
const USERS = 20;
const WATCH_MS = 5_000;
const POLL_MS = 20;
const GOES_ON_MS = 30_000;
/** Two USAGE_FLUSH_MS: what an edge node that is killed may take with it. */
const LOST_MAX_SECONDS = 10;

/** Relays, NATS and two edge nodes behind one port, by `docker compose --profile fleet up`; then one after the other dies. */
export const fleet: Section = {
  title: 'Fleet: docker compose --profile fleet up',
  async lacks() {
    return (await lacksCompose()) ?? lacksImages();
  },
  async run(step) {
    await withFreshCopy(async (folder) => {
      const stack = await Stack.in(folder);
      try {
        await diesInTurn(stack, step);
      } finally {
        await stack.down();
      }
      await step('docker compose down', () => stack.leftNothing());
    });
  },
};

async function lacksImages(): Promise<string | undefined> {
  const images = await command('docker', ['compose', '--profile', 'fleet', 'config', '--images']);
  const foreign = new Set(
    images.split('\n').filter((name) => !name.startsWith('streaming-service/')),
  );
  for (const image of foreign) {
    const isHere =
      (await works('docker', 'image', 'inspect', image)) ||
      (await works('docker', 'pull', '--quiet', image));
    if (!isHere) return `the image ${image} is neither here nor to be pulled`;
  }
  return undefined;
}

async function diesInTurn(stack: Stack, step: Step): Promise<void> {
  await step('docker compose up, from a fresh copy', async () => {
    await stack.compose(
      ...PROFILES,
      'up',
      '--detach',
      '--wait',
      'functions',
      'balancer',
      'relay',
      'channel-source',
    );
    return 'NATS, two relays, two edge nodes and the balancer are healthy';
  });
  const crowd = await Crowd.of(stack);
  await step('users at one port', async () => {
    await crowd.come();
    return `${USERS} users receive, and ${crowd.onlookers.length} who look at each packet`;
  });
  await step('a relay killed', async () => {
    await killOne(stack, 'relay');
    await sleep(WATCH_MS);
    crowd.wantsWhole(crowd.onlookers);
    return 'nobody is cut off, and nothing is missing, late or twice';
  });
  await step('NATS restarted', async () => {
    await stack.compose(...PROFILES, 'restart', '--timeout', '1', 'nats');
    const silentMs = await goOn(crowd.onlookers);
    await sleep(WATCH_MS);
    if (crowd.watching.length < crowd.onlookers.length) throw new Error('someone was cut off');
    return `nobody is cut off; all receive again ${silentMs} ms after it is back`;
  });
  await step('an edge node killed', async () => {
    const before = crowd.forget();
    await killOne(stack, 'fleet-edge-node');
    await sleep(WATCH_MS);
    await allReceive(crowd.viewers);
    return crowd.halfCameBack(before);
  });
  await step('/usage', () => crowd.leaves());
}

/** Kills one of the containers of a service: the engine does not start it again. */
async function killOne(stack: Stack, service: string): Promise<void> {
  const [id = '', ...others] = await stack.containers(service);
  if (others.length === 0) throw new Error(`there is but one ${service}`);
  await docker('kill', id);
}

/** Resolves with how long it took until each has received something that is new. */
async function goOn(users: readonly DemoUser[]): Promise<number> {
  const started = performance.now();
  const had = users.map(({ check }) => check.bytes);
  while (users.some(({ check }, i) => check.bytes === had[i])) {
    if (performance.now() - started > GOES_ON_MS) throw new Error('users receive nothing new');
    await sleep(POLL_MS);
  }
  return Math.round(performance.now() - started);
}

/** Users of the balancer's port: some who come back when they are cut off, and one at each edge node who looks at each packet. */
class Crowd {
  readonly #stack: Stack;
  readonly viewers: readonly Viewer[];
  readonly onlookers: readonly DemoUser[];
  readonly #ended = new Set<DemoUser>();
  #viewing: Promise<unknown> = Promise.resolve();
  #flaws: readonly number[] = [];

  private constructor(stack: Stack) {
    const port = stack.fleetUsersPort;
    this.#stack = stack;
    this.viewers = Array.from({ length: USERS }, (_, i) => new Viewer(`viewer-${i}`, () => port));
    this.onlookers = ['onlooker-0', 'onlooker-1'].map(
      (userId) =>
        new DemoUser({ userId, channelId: CHANNEL, host: '127.0.0.1', port, file: '/dev/null' }),
    );
    this.#flaws = this.onlookers.map(() => 0);
  }

  static async of(stack: Stack): Promise<Crowd> {
    const crowd = new Crowd(stack);
    const ids = [...crowd.viewers, ...crowd.onlookers.map(({ options }) => options)];
    for (const { userId } of ids) await register(stack.origin, userId);
    return crowd;
  }

  /** Those of the onlookers whom nothing has cut off. */
  get watching(): DemoUser[] {
    return this.onlookers.filter((user) => !this.#ended.has(user));
  }

  /** One after the other at first: the balancer gives each edge node one onlooker. */
  async come(): Promise<void> {
    for (const user of this.onlookers) {
      void user.watch().then(() => this.#ended.add(user));
      await goOn([user]);
    }
    this.#viewing = Promise.all(this.viewers.map((viewer) => viewer.watch(CHANNEL)));
    await allReceive(this.viewers);
    // The first user of a channel may see a gap at the start, counted as lost: docs/scale.md.
    this.forget();
    await sleep(WATCH_MS);
    this.wantsWhole(this.onlookers);
  }

  /** What was missing until now is said. */
  forget(): readonly DemoUser[] {
    this.#flaws = this.onlookers.map(flawsOf);
    return this.watching;
  }

  wantsWhole(users: readonly DemoUser[]): void {
    for (const [i, user] of this.onlookers.entries()) {
      if (!users.includes(user)) continue;
      const { options, problem } = user;
      if (this.#ended.has(user)) throw new Error(`${options.userId} was cut off: ${problem}`);
      const flaws = flawsOf(user) - (this.#flaws[i] ?? 0);
      if (flaws > 0)
        throw new Error(`${options.userId} sees ${flaws} places where packets are missing`);
    }
  }

  /** @param before the onlookers who watched when one of the two edge nodes was killed */
  halfCameBack(before: readonly DemoUser[]): string {
    const stayed = this.watching;
    if (before.length !== 2 || stayed.length !== 1) {
      throw new Error(`${stayed.length} of ${before.length} onlookers were left alone`);
    }
    this.wantsWhole(stayed);
    const back = this.viewers.filter(({ visits }) => visits.length > 0).length;
    if (Math.abs(back - USERS / 2) > 1) throw new Error(`${back} of ${USERS} users were on it`);
    return `its ${back} users of ${USERS} receive again, the others have missed nothing`;
  }

  /** All edge nodes stop; then the store has what each has received, but for the last seconds of the killed one. */
  async leaves(): Promise<string> {
    for (const viewer of this.viewers) viewer.leaveAtNextClose();
    await this.#stack.compose(...PROFILES, 'stop', 'fleet-edge-node');
    await this.#viewing;
    let lost = 0;
    for (const { userId, seconds, visits } of this.viewers) {
      const { [CHANNEL]: counted = 0 } = await usageOf(this.#stack.origin, userId);
      const mayLack = visits.length > 1 ? LOST_MAX_SECONDS : 0;
      if (counted > seconds || counted < seconds - mayLack) {
        throw new Error(
          `${userId} received ${seconds} s in ${visits.length} visits, /usage says ${counted}`,
        );
      }
      lost = Math.max(lost, seconds - counted);
    }
    return `to the second for those who stayed, at most ${lost} s less for those of the killed edge node`;
  }
}

function flawsOf({ check }: DemoUser): number {
  return check.gaps + check.errors;
}
