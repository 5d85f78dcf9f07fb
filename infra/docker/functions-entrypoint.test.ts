import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RuntimeApi } from './testing/runtime-api.ts';

/** Where `npm test` has put the runtime client, on machines where it can be built. */
const { TEST_LAMBDA_RUNTIME } = process.env;
const ENTRYPOINT = join(import.meta.dirname, 'functions-entrypoint.sh');
const BUNDLE = join(import.meta.dirname, 'bundle.ts');
/** How Lambda and `sam local` may leave the variable. */
const HANDLERS: [how: string, env: Record<string, string>][] = [
  ['blank', { _HANDLER: '' }],
  ['unset', {}],
  ['set', { _HANDLER: 'usage.handler' }],
];

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'entrypoint-')));
afterAll(() => rmSync(folder, { recursive: true }));

/** The image's entrypoint in an environment like the image's, `node` being this one. */
function start(args: readonly string[], env: Record<string, string>) {
  const child = spawn('sh', [ENTRYPOINT, ...args], {
    env: { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { output: text(child.stdout), errors: text(child.stderr), exit: once(child, 'exit') };
}

describe('the entrypoint of the functions image', () => {
  const runtime = join(folder, 'runtime');
  beforeAll(() => {
    const client = join(runtime, 'node_modules/aws-lambda-ric');
    mkdirSync(client, { recursive: true });
    const tell = 'console.log(JSON.stringify([process.env._HANDLER, process.cwd()]))';
    writeFileSync(join(client, 'index.mjs'), tell);
  });
  const lambda = {
    AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
    LAMBDA_TASK_ROOT: folder,
    LAMBDA_RUNTIME_DIR: runtime,
  };

  it.each(HANDLERS)('tells the runtime client its handler where _HANDLER is %s', async (_, env) => {
    const { output, exit } = start(['usage.handler'], { ...lambda, ...env });
    expect(await exit).toEqual([0, null]);
    expect(JSON.parse(await output)).toEqual(['usage.handler', folder]);
  });

  it('says what is missing where Lambda has no command for it', async () => {
    const { errors, exit } = start([], lambda);
    expect((await exit)[0]).not.toBe(0);
    expect(await errors).toContain('a handler such as usage.handler must be the command in Lambda');
  });

  it('runs its command outside of Lambda', async () => {
    const { output, exit } = start(['node', '-p', '6 * 7'], {});
    expect(await exit).toEqual([0, null]);
    expect(await output).toBe('42\n');
  });
});

describe.skipIf(!TEST_LAMBDA_RUNTIME)('a function under the runtime client of Lambda', () => {
  const tasks = join(folder, 'tasks');
  beforeAll(() => void execFileSync(process.execPath, [BUNDLE, tasks]));

  it.each(HANDLERS)('starts and answers where _HANDLER is %s', async (_, env) => {
    const api = new RuntimeApi();
    const address = await api.listen();
    onTestFinished(() => api.close());
    const { exit, output } = start(['usage.handler'], {
      AWS_LAMBDA_RUNTIME_API: address,
      LAMBDA_TASK_ROOT: tasks,
      LAMBDA_RUNTIME_DIR: TEST_LAMBDA_RUNTIME ?? '',
      AWS_LAMBDA_FUNCTION_NAME: 'usage',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: 'usage',
      AWS_LAMBDA_LOG_STREAM_NAME: 'usage',
      AWS_REGION: 'eu-west-1',
      STORE: 'dynamodb',
      ...env,
    });
    const ended = exit.then(async () => ({ what: 'ended', body: await output }));
    expect(await Promise.race([api.told(), ended])).toEqual({ what: 'next', body: '' });
    api.invoke({ source: 'a warm-up ping' });
    const refused = await api.told();
    expect(refused).toMatchObject({
      what: 'response',
      body: expect.stringContaining('bad_request'),
    });
    expect(JSON.parse(refused.body)).toMatchObject({ statusCode: 400 });
    expect(await api.told()).toEqual({ what: 'next', body: '' });
  });
});
