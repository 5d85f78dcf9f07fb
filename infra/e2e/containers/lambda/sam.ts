import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../../local/free-ports.ts';
import { command, docker, lacksDocker, works } from '../support/command.ts';
import { healthy, LABEL, withContainer } from '../support/container.ts';
import { keepsContract } from '../support/contract.ts';
import { withFreshCopy } from '../support/fresh-copy.ts';
import type { Section } from '../support/section.ts';
import { lambdaSpeed } from './lambda-speed.ts';

const NETWORK = `streaming-service-sam-${process.pid}`;
/** `sam build` makes one image of functions that are built alike. */
const IMAGE = 'registerfunction:lambda';
const FUNCTIONS = ['registerfunction', 'unregisterfunction', 'usagefunction'];
const READY_MS = 120_000;
const POLL_MS = 300;
const ARCHITECTURE = `Architecture=${process.arch === 'arm64' ? 'arm64' : 'x86_64'}`;
/** Never checked: DynamoDB Local takes any keys. */
const ENV = {
  AWS_DEFAULT_REGION: 'eu-west-1',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  SAM_CLI_TELEMETRY: '0',
};
const IN_CONTAINER = [
  ...['STORE=dynamodb', 'AWS_ENDPOINT_URL_DYNAMODB=http://dynamodb:8000'],
  ...Object.entries(ENV).map(([name, value]) => `${name}=${value}`),
].flatMap((pair) => ['--env', pair]);

/** `sam local` takes every body for UTF-8, and answers 502 itself. */
const ANSWERED_BY_SAM = 'POST /register refuses bytes that are not UTF-8';
/** A health check for DynamoDB Local, whose image has none. */
const LISTENS = [
  ...['--health-cmd', "bash -c ': </dev/tcp/127.0.0.1/8000'"],
  ...['--health-interval', '1s'],
];

/** template.yaml as `sam` has it: validated, built, served over HTTP against DynamoDB Local; and the functions' speed. */
export const sam: Section = {
  title: 'SAM: sam validate, sam build, sam local start-api',
  async lacks() {
    if (!(await works('sam', '--version'))) return '`sam` does not run';
    return lacksDocker();
  },
  async run(step) {
    await withFreshCopy(async (folder) => {
      await step('sam validate --lint', async () => {
        await command('sam', ['validate', '--lint'], { cwd: folder, env: ENV });
        return 'no finding';
      });
      try {
        await step('sam build', async () => {
          const args = ['build', '--parameter-overrides', ARCHITECTURE];
          await command('sam', args, { cwd: folder, env: ENV });
          return `${FUNCTIONS.length} functions, ${ARCHITECTURE}`;
        });
        await withDynamoDb(async () => {
          await step('sam local start-api', () => servesOverHttp(folder));
          await step('speed of the Lambda form', () =>
            lambdaSpeed(IMAGE, ['--network', NETWORK, ...IN_CONTAINER]),
          );
        });
      } finally {
        await removeImages();
      }
    });
  },
};

/** Runs DynamoDB Local with its tables on a network of its own. */
async function withDynamoDb(use: () => Promise<void>): Promise<void> {
  await docker('network', 'create', ...LABEL, NETWORK);
  try {
    const name = ['--network', NETWORK, '--network-alias', 'dynamodb'];
    const database = ['amazon/dynamodb-local:latest', '-jar', 'DynamoDBLocal.jar', '-sharedDb'];
    await withContainer([...name, ...LISTENS, ...database], async (id) => {
      await healthy(id);
      const schema = [IMAGE, 'node', 'infra/schema.js'];
      await docker('run', '--rm', '--network', NETWORK, ...IN_CONTAINER, ...schema);
      await use();
    });
  } finally {
    // A `sam local` that was interrupted at its start leaves its containers.
    const left = await docker('ps', '--all', '--quiet', '--filter', `network=${NETWORK}`);
    for (const id of left.split('\n').filter(Boolean)) await docker('rm', '--force', id);
    await docker('network', 'rm', NETWORK);
  }
}

async function servesOverHttp(folder: string): Promise<string> {
  const [port = 0] = await freePorts(1);
  const child = spawn(
    'sam',
    [
      ...['local', 'start-api', '--host', '127.0.0.1', '--port', String(port)],
      ...['--skip-pull-image', '--warm-containers', 'EAGER', '--docker-network', NETWORK],
      ...['--parameter-overrides', ARCHITECTURE, 'AllowAnonymous=true'],
      'DynamoDbEndpoint=http://dynamodb:8000',
    ],
    { cwd: folder, env: { ...process.env, ...ENV }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.on('data', (chunk) => {
    output = `${output}${chunk}`.slice(-4000);
  });
  const ended = once(child, 'exit');
  try {
    const origin = `http://127.0.0.1:${port}`;
    const until = performance.now() + READY_MS;
    while (!(await answers(origin))) {
      if (child.exitCode !== null || performance.now() > until) {
        throw new Error(`it does not answer:\n${output}`);
      }
      await sleep(POLL_MS);
    }
    return await keepsContract(origin, ({ name, direct }) => {
      return !direct && name !== ANSWERED_BY_SAM;
    });
  } finally {
    child.kill('SIGINT');
    await ended;
  }
}

/** Whether those that anybody may ask have started, and DynamoDB Local with its first requests has, too. */
async function answers(origin: string): Promise<boolean> {
  const answers = await Promise.all([
    fetch(`${origin}/register`, { method: 'POST', body: 'anybody' }),
    fetch(`${origin}/usage/anybody`),
  ]).catch(() => []);
  return answers.length > 0 && answers.every(({ ok }) => ok);
}

/** The functions' own, and those that `sam local` made of them. */
async function removeImages(): Promise<void> {
  for (const name of FUNCTIONS) {
    const found = await docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', name);
    for (const image of found.split('\n').filter(Boolean))
      await docker('image', 'rm', '--force', image);
  }
}
