import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { IS_LONG } from './testing/long.ts';
import type { TestProcess } from './testing/test-process.ts';
import { TestService } from './testing/test-service.ts';

const ROUNDS = IS_LONG ? 100 : 2;
/** As it is by default; longer beside other tests, where a client may be late to ask. */
const DRAIN = { SERVER_DRAIN_MS: IS_LONG ? '1000' : '5000' };
const CLIENTS = 64;
/** Fewer than the operators' port has room for. */
const OPERATORS = 12;
/** Between an answer and the next request of a client, at the most. */
const PAUSE_MS = 10;
const PATHS = ['/healthz', '/usage/user-1', '/readyz'];

let service: TestService;
afterEach(() => service.close());

/** Settles with the error of a request that failed on a connection that had carried others before, if it did. */
function ask(origin: string, agent: Agent, path: string): Promise<'answered' | 'gone' | Error> {
  return new Promise((resolve) => {
    const asked: ClientRequest = request(origin + path, { agent }, (answer: IncomingMessage) => {
      answer.resume().once('close', () => resolve(answer.complete ? 'answered' : new Error('cut')));
    });
    asked.once('error', (error) => resolve(asked.reusedSocket ? error : 'gone'));
    asked.end();
  });
}

/**
 * A client that asks over one connection until its server is gone. On a new connection it may then be reset: a port that
 * closes does that to whoever waits in its backlog. On a connection that it had used before, nothing may fail.
 */
async function client(
  origin: string,
  paths: readonly string[],
  answered: () => void,
): Promise<Error | undefined> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let n = 0; ; n += 1) {
      const ended = await ask(origin, agent, paths[n % paths.length] ?? '/');
      if (ended === 'gone') return undefined;
      if (ended !== 'answered') return ended;
      answered();
      await sleep(Math.random() * PAUSE_MS);
    }
  } finally {
    agent.destroy();
  }
}

/** Lets clients ask until all have been answered, stops the server, and tells what failed. */
async function stopUnder(
  count: number,
  origin: string,
  paths: readonly string[],
  process: TestProcess,
) {
  const answers = new Array<number>(count).fill(0);
  const clients = answers.map((_, i) =>
    client(origin, paths, () => {
      answers[i] = (answers[i] ?? 0) + 1;
    }),
  );
  await service.eventually(() => Math.min(...answers)).toBeGreaterThan(10);
  expect(await process.end('SIGTERM')).toBe(0);
  return (await Promise.all(clients)).filter((failure) => failure !== undefined);
}

test(`a stop of functions fails no request of ${CLIENTS} keep-alive clients, ${ROUNDS} times`, async () => {
  service = await TestService.start(DRAIN);
  for (let round = 0; round < ROUNDS; round += 1) {
    const { origin, process } = await service.startFunctions();
    expect(await stopUnder(CLIENTS, origin, PATHS, process)).toEqual([]);
  }
}, 600_000);

test(`a stop of an edge node fails no request of ${OPERATORS} operators, ${ROUNDS} times`, async () => {
  service = await TestService.start(DRAIN);
  for (let round = 0; round < ROUNDS; round += 1) {
    const { process, adminPort } = await service.startEdge();
    const origin = `http://127.0.0.1:${adminPort}`;
    const paths = ['/healthz', '/readyz', '/metrics'];
    expect(await stopUnder(OPERATORS, origin, paths, process)).toEqual([]);
  }
}, 600_000);
