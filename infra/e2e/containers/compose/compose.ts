import { setTimeout as sleep } from 'node:timers/promises';
import { register, usageOf } from '../../../demo/viewer/demo-user.ts';
import { keepsContract } from '../support/contract.ts';
import { withFreshCopy } from '../support/fresh-copy.ts';
import type { Section, Step } from '../support/section.ts';
import { allReceive, Viewer } from '../support/viewer.ts';
import { rollingRestart } from './rolling-restart.ts';
import { lacksCompose, Stack } from './stack.ts';

const WATCH_MS = 3_000;

/** The whole service by `docker compose up`, from a copy of the repository as a clone has it. */
export const compose: Section = {
  title: 'Compose: docker compose up',
  lacks: lacksCompose,
  async run(step) {
    await withFreshCopy(async (folder) => {
      const stack = await Stack.in(folder);
      try {
        await withCassandra(stack, step);
      } finally {
        await stack.down();
      }
      await step('docker compose down', () => stack.leftNothing());
      try {
        await withDynamoDb(stack, step);
      } finally {
        await stack.down();
      }
    });
  },
};

async function withCassandra(stack: Stack, step: Step): Promise<void> {
  await step('docker compose up, from a fresh copy', async () => {
    await stack.compose('up', '--detach', '--wait', 'functions', 'edge-node');
    return 'Cassandra, functions and edge-node are healthy, the schema job has ended well';
  });
  await step('functions and edge-node', async () => {
    const seen = await Promise.all(['functions', 'edge-node'].map((name) => stack.confined(name)));
    return seen.join('; ');
  });
  await step('HTTP from the host', () => keepsContract(stack.origin));
  await step('the pages', async () => {
    const seen = await Promise.all([pageOf(stack.playersPort), pageOf(stack.adminPort)]);
    return `${seen.join(' and ')} come out of the image`;
  });
  await step('a channel source and a user on the host', async () => {
    await stack.compose('--profile', 'demo', 'up', '--detach', 'channel-source');
    return watchesAndCounts(stack);
  });
  await step('restart of edge-node under 200 users', () =>
    rollingRestart({
      origin: stack.origin,
      usersPort: stack.usersPort,
      restart: () => stack.compose('restart', 'edge-node'),
      stop: () => stack.compose('stop', 'edge-node'),
    }),
  );
}

/** A page as a browser loads it: the document, and the script that it names. */
async function pageOf(port: number): Promise<string> {
  const origin = `http://127.0.0.1:${port}`;
  const document = await bodyOf(`${origin}/`);
  const script = /<script[^>]* src="([^"]+)"/.exec(document)?.[1];
  if (script === undefined) throw new Error(`the page names no script: ${document.slice(0, 200)}`);
  const { length } = await bodyOf(new URL(script, `${origin}/`).href);
  return `${script} of ${Math.round(length / 1000)} kB`;
}

async function bodyOf(url: string): Promise<string> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
  return answer.text();
}

/** One user's way: register, watch, and find the seconds in /usage. */
async function watchesAndCounts(stack: Stack): Promise<string> {
  const viewer = new Viewer('one-user', () => stack.usersPort);
  await register(stack.origin, viewer.userId);
  const watched = viewer.watch('zato01');
  viewer.leaveAtNextClose();
  await allReceive([viewer]);
  await sleep(WATCH_MS);
  await stack.compose('restart', 'edge-node');
  await watched;
  const { zato01 } = await usageOf(stack.origin, viewer.userId);
  if (viewer.seconds < 1 || zato01 !== viewer.seconds) {
    throw new Error(`received ${viewer.seconds} s, /usage says ${zato01}`);
  }
  return `registered, watched, and /usage says the ${zato01} s that came`;
}

async function withDynamoDb(stack: Stack, step: Step): Promise<void> {
  await step('docker compose --env-file infra/docker/dynamodb.env up', async () => {
    const file = ['--env-file', 'infra/docker/dynamodb.env'];
    await stack.compose(...file, 'up', '--detach', '--wait', 'functions', 'edge-node');
    const running = await stack.compose('ps', '--services');
    if (running.split('\n').includes('cassandra')) throw new Error('Cassandra runs, too');
    return keepsContract(stack.origin);
  });
}
