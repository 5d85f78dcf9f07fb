/**
 * Runs inside the functions image, `-e` with this text, and measures the Lambda form beside the container form: a
 * Runtime API of its own starts the functions as Lambda would. Prints one line of JSON. It imports nothing of ours:
 * the image holds no tests.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const STARTS = 7;
const WARM_UP_REQUESTS = 50;
const REQUESTS = 300;
const LIMIT_MS = 120_000;
/** In the year 2100. */
const DEADLINE_MS = '4102444800000';

const event = JSON.stringify({
  version: '2.0',
  routeKey: 'ANY /usage/{userId}',
  rawPath: '/usage/nobody',
  rawQueryString: '',
  headers: {},
  requestContext: { http: { method: 'GET', path: '/usage/nobody' } },
  isBase64Encoded: false,
});

/** Lambda's side: hands events out one by one, and takes the answers. */
class RuntimeApi {
  readonly #server = createServer((incoming, response) => {
    if (incoming.url?.endsWith('/invocation/next')) this.#next?.(response);
    else {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('end', () => {
        response.writeHead(202).end();
        this.#answer?.(Buffer.concat(chunks).toString());
      });
    }
  });
  #next: ((response: ServerResponse) => void) | undefined;
  #answer: ((body: string) => void) | undefined;

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when the function asks for work. */
  asked(): Promise<ServerResponse> {
    return new Promise((resolve) => {
      this.#next = resolve;
    });
  }

  /** Resolves with what the function answers to an event. */
  answered(): Promise<string> {
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function start(api: string) {
  const child = spawn('/entrypoint.sh', ['usage.handler'], {
    env: {
      ...process.env,
      AWS_LAMBDA_RUNTIME_API: api,
      // Blank, as Lambda leaves it for images: the image's entrypoint names the handler.
      _HANDLER: '',
      AWS_LAMBDA_FUNCTION_NAME: 'usage',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: 'usage',
      AWS_LAMBDA_LOG_STREAM_NAME: 'usage',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  child.once('exit', (code, signal) => {
    if (signal !== 'SIGKILL') throw new Error(`the function ended with ${code ?? signal}`);
  });
  return child;
}

/** Milliseconds from a function's start until it asks for work. */
async function initMs(): Promise<number> {
  const api = new RuntimeApi();
  const address = await api.listen();
  const beganMs = performance.now();
  const child = start(address);
  await api.asked();
  const tookMs = performance.now() - beganMs;
  child.kill('SIGKILL');
  await once(child, 'exit');
  api.close();
  return tookMs;
}

/** Milliseconds that Node itself needs to start, do nothing and end. */
async function nodeMs(): Promise<number> {
  const beganMs = performance.now();
  await once(spawn('node', ['-e', '0']), 'exit');
  return performance.now() - beganMs;
}

/** Milliseconds from an event handed out until its answer is there, each of many. */
async function lambdaMs(): Promise<number[]> {
  const api = new RuntimeApi();
  const child = start(await api.listen());
  const took: number[] = [];
  let asked = api.asked();
  for (let i = 0; i < WARM_UP_REQUESTS + REQUESTS; i++) {
    const response = await asked;
    asked = api.asked();
    const answered = api.answered();
    const beganMs = performance.now();
    response
      .setHeader('Content-Type', 'application/json')
      .setHeader('Lambda-Runtime-Aws-Request-Id', String(i))
      .setHeader('Lambda-Runtime-Deadline-Ms', DEADLINE_MS)
      .setHeader('Lambda-Runtime-Invoked-Function-Arn', 'arn:aws:lambda:local:0:function:usage')
      .setHeader('Lambda-Runtime-Trace-Id', 'Root=1-00000000-000000000000000000000000')
      .end(event);
    const { statusCode } = JSON.parse(await answered);
    if (statusCode !== 200) throw new Error(`the function answered ${statusCode}`);
    took.push(performance.now() - beganMs);
  }
  child.kill('SIGKILL');
  api.close();
  return took.slice(WARM_UP_REQUESTS);
}

/** Milliseconds of GET /usage at the container form, each of many, over one connection. */
async function containerMs(): Promise<number[]> {
  const child = spawn('node', ['functions/server.js'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const took: number[] = [];
  for (let i = 0; i < WARM_UP_REQUESTS + REQUESTS; i++) {
    const beganMs = performance.now();
    const asked = request({ agent, port: 8080, path: '/usage/nobody' }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode}`);
    took.push(performance.now() - beganMs);
  }
  agent.destroy();
  child.kill('SIGTERM');
  return took.slice(WARM_UP_REQUESTS);
}

async function times(count: number, measure: () => Promise<number>): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    took.push(await measure());
    await sleep(100);
  }
  return took;
}

setTimeout(() => process.exit(1), LIMIT_MS);
const init = await times(STARTS, initMs);
const node = await times(STARTS, nodeMs);
console.log(
  JSON.stringify({ init, node, container: await containerMs(), lambda: await lambdaMs() }),
);
process.exit(0);
