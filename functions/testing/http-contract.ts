import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { HTTP_ERRORS, type HttpErrorCode } from '../../shared/errors.ts';

/** An answer as any client sees it; header names are in lower case. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly body: string;
}

/** Sends one request. `path` goes out exactly as it is given. */
export type Request = (
  method: string,
  path: string,
  headers?: Readonly<Record<string, string>>,
  body?: string | Buffer,
) => Promise<Answer>;

export interface ContractCase {
  readonly name: string;
  /** A gateway answers this by itself, or changes the request on its way: only for who is asked directly. */
  readonly direct: boolean;
  run(): Promise<void>;
}

/** Requests over a connection of their own to `origin`, such as http://127.0.0.1:8080. */
export function httpClient(origin: string): Request {
  const { hostname, port } = new URL(origin);
  return (method, path, headers = {}, body = undefined) =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ hostname, port, method, path, headers, agent: false });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      request.end(body);
    });
}

/** Requests put to the app itself. */
export function injecting(app: FastifyInstance): Request {
  return async (method, url, headers = {}, payload = undefined) => {
    const options = { method, url, headers, payload } as InjectOptions;
    const answer = await app.inject(options);
    return { status: answer.statusCode, headers: answer.headers, body: answer.payload };
  };
}

function isError(answer: Answer, code: HttpErrorCode): void {
  const { status, message } = HTTP_ERRORS[code];
  assert.equal(answer.status, status, answer.body);
  assert.deepEqual(JSON.parse(answer.body), { code, message });
  assert.match(String(answer.headers['content-type']), /^application\/json/);
}

function isRegistered(answer: Answer): void {
  assert.deepEqual([answer.status, answer.body], [200, '']);
}

function isUnused(answer: Answer): void {
  assert.deepEqual([answer.status, answer.body], [200, '{"sessions":{}}']);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
}

/**
 * What every form of this service answers over HTTP: injected, listening, in a container, behind a gateway. Each case
 * stands for itself and leaves only registrations of users that nobody else has.
 */
export function httpContract(request: Request): ContractCase[] {
  const run = randomUUID().slice(0, 8);
  const cases: ContractCase[] = [];
  const add = (direct: boolean) => (name: string, test: () => Promise<void>) => {
    cases.push({ name, direct, run: test });
  };
  const everywhere = add(false);
  const directly = add(true);
  const register = (body: string | Buffer, headers?: Record<string, string>) =>
    request('POST', '/register', headers, body);
  const usage = (userId: string) => request('GET', `/usage/${encodeURIComponent(userId)}`);

  for (const type of [
    'application/x-www-form-urlencoded',
    'text/plain; charset=utf-8',
    'application/json',
    'multipart/form-data',
  ]) {
    everywhere(`POST /register takes a user id sent as ${type}`, async () => {
      isRegistered(await register(`user-${run}`, { 'content-type': type }));
    });
  }
  everywhere('POST /register takes a user id without a Content-Type', async () => {
    isRegistered(await register(`user-${run}`));
  });
  directly('POST /register takes a user id whatever nonsense its Content-Type is', async () => {
    isRegistered(await register(`user-${run}`, { 'content-type': ';;no type' }));
  });
  everywhere('POST /register answers 200 again for a known user', async () => {
    isRegistered(await register(`again-${run}`));
    isRegistered(await register(`again-${run}`));
  });
  everywhere('POST /register reads the first line, trimmed', async () => {
    isRegistered(await register(`  user-${run} \r\nwhat follows / is ? no one's concern`));
    isError(await register(`\nuser-${run}`), 'bad_user_id');
  });
  everywhere('POST /register takes ids up to 128 bytes', async () => {
    isRegistered(await register(`${run}${'€'.repeat(40)}`));
    isError(await register('€'.repeat(43)), 'bad_user_id');
    isError(await register('a'.repeat(129)), 'bad_user_id');
  });
  for (const id of ["o'hara;--", '👩‍🚀', '"quoted"', 'a+b&c=d', 'ünïcödé', '{"user":1}']) {
    everywhere(`POST /register and GET /usage take the id ${id}`, async () => {
      isRegistered(await register(`${id}${run}`));
      isUnused(await usage(`${id}${run}`));
    });
  }
  everywhere('POST /register refuses an empty body', async () => {
    isError(await register(''), 'bad_user_id');
    isError(await register(' \t\r\n'), 'bad_user_id');
  });
  for (const id of ['two words', 'a/b', 'a?b', 'a#b', 'a%b', 'nul\0', 'next\u0085line']) {
    everywhere(`POST /register refuses the id ${JSON.stringify(id)}`, async () => {
      isError(await register(id), 'bad_user_id');
    });
  }
  everywhere('POST /register refuses bytes that are not UTF-8', async () => {
    isError(await register(Buffer.from([0x61, 0xff, 0x62])), 'bad_user_id');
  });
  everywhere('POST /register takes 4 KiB and refuses a byte more', async () => {
    const line = `user-${run}\n`;
    isRegistered(await register(line.padEnd(4096, '.')));
    isError(await register(line.padEnd(4097, '.')), 'body_too_large');
  });

  everywhere('GET /usage of an unknown user has no sessions', async () => {
    isUnused(await usage(`unknown-${run}`));
  });
  everywhere('GET /usage decodes the id and leaves the query out', async () => {
    isUnused(await request('GET', `/usage/%75ser-${run}?of=today`));
  });
  everywhere('GET /usage by hour of an unknown user has no hours', async () => {
    const answer = await request('GET', `/usage/unknown-${run}?by=hour`);
    assert.deepEqual([answer.status, answer.body], [200, '{"sessions":{},"hours":[]}']);
  });
  for (const query of ['by=day', 'by=', 'by', 'by=Hour', 'by=hour&by=hour', 'by=hour%20']) {
    everywhere(`GET /usage?${query} is a bad request`, async () => {
      isError(await request('GET', `/usage/unknown-${run}?${query}`), 'bad_request');
    });
  }
  everywhere('GET /usage refuses an id that no user can have', async () => {
    isError(await usage('two words'), 'bad_user_id');
    isError(await usage('a'.repeat(129)), 'bad_user_id');
    isError(await usage('a'.repeat(1000)), 'bad_user_id');
  });
  for (const id of ['', 'a%2Fb', 'a%3Fb', 'a%23b', 'a%25b', '%zz', '%', '%ff', '%c3%28', '%00']) {
    directly(`GET /usage/${id} is no id of a user`, async () => {
      isError(await request('GET', `/usage/${id}`), 'bad_user_id');
    });
  }
  directly('HEAD /usage answers as GET does, without the body', async () => {
    const answer = await request('HEAD', `/usage/unknown-${run}`);
    assert.deepEqual([answer.status, answer.body], [200, '']);
    assert.equal(Number(answer.headers['content-length']), '{"sessions":{}}'.length);
  });

  directly(
    'DELETE /register/{user} is the operator’s alone: without a key nobody may',
    async () => {
      isError(await request('DELETE', `/register/user-${run}`), 'api_key_needed');
      for (const id of ['a%2Fb', '%zz', '%ff', 'a'.repeat(129)]) {
        isError(await request('DELETE', `/register/${id}`), 'bad_user_id');
      }
    },
  );
  directly('GET /register/{user} is not allowed, and says what is', async () => {
    const answer = await request('GET', `/register/user-${run}`);
    isError(answer, 'method_not_allowed');
    assert.equal(answer.headers.allow, 'DELETE');
  });

  for (const [path, allow, methods] of [
    ['/register', 'POST', ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']],
    [`/usage/user-${run}`, 'GET, HEAD', ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']],
  ] as const) {
    for (const method of methods) {
      everywhere(`${method} ${path.split('-')[0]} is not allowed, and says what is`, async () => {
        const answer = await request(method, path);
        isError(answer, 'method_not_allowed');
        assert.equal(answer.headers.allow, allow);
      });
    }
  }
  directly('a method that HTTP servers seldom see is not allowed either', async () => {
    isError(await request('PROPFIND', '/register'), 'method_not_allowed');
  });
  for (const path of ['/', '/usage', '/usage/a/b', '/register/', '/Register', '/x']) {
    everywhere(`GET ${path} is not found`, async () => {
      isError(await request('GET', path), 'not_found');
    });
  }
  everywhere('POST to an unknown path is not found, whatever its body', async () => {
    const json = { 'content-type': 'application/json' };
    isError(await request('POST', '/nowhere', json, '{broken'), 'not_found');
    isError(await request('POST', '/nowhere', {}, 'x'.repeat(5000)), 'not_found');
  });
  directly('GET /healthz and /readyz answer 200', async () => {
    assert.equal((await request('GET', '/healthz')).status, 200);
    assert.equal((await request('GET', '/readyz')).status, 200);
  });
  return cases;
}
