import { expect, it } from 'vitest';
import { REFUSALS } from '../shared/errors.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';

const WATCH = '/watch/zato01?user=user-1';
const request = (line: string, ...headers: string[]) =>
  [line, 'Host: edge', ...headers, '\r\n'].join('\r\n');
const get = (target: string, ...headers: string[]) => request(`GET ${target} HTTP/1.1`, ...headers);
const TLS_HELLO = `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'r'.repeat(600)}`;
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

/** What it is, what is sent, and how it is answered: status and code, or the code alone. */
type Hostile = readonly [name: string, bytes: string, answer: string];

const TO_9113: readonly Hostile[] = [
  ['a body', `${get(WATCH, 'Content-Length: 4')}body`, '400 malformed'],
  ['a body in chunks', `${get(WATCH, 'Transfer-Encoding: chunked')}0\r\n\r\n`, '400 malformed'],
  [
    'a body that waits to be asked for',
    get(WATCH, 'Content-Length: 4', 'Expect: 100-continue'),
    '400 malformed',
  ],
  [
    'a request smuggled behind a length',
    `${get(WATCH, 'Content-Length: 60')}${get('/watch/zato02?user=user-1')}`,
    '400 malformed',
  ],
  [
    'chunks and a length',
    `${get(WATCH, 'Transfer-Encoding: chunked', 'Content-Length: 4')}0\r\n\r\n`,
    '400 bad_request',
  ],
  [
    'a coding that is almost chunked',
    `${get(WATCH, 'Transfer-Encoding: xchunked', 'Content-Length: 4')}body`,
    '400 bad_request',
  ],
  [
    'two lengths that differ',
    `${get(WATCH, 'Content-Length: 4', 'Content-Length: 5')}body`,
    '400 bad_request',
  ],
  ['a length that is no number', get(WATCH, 'Content-Length: -1'), '400 bad_request'],
  ['a space before a colon', get(WATCH, 'Content-Length : 4'), '400 bad_request'],
  ['a bare CR in a header', get(WATCH, 'X: a\rGET /'), '400 bad_request'],
  ['two Hosts', get(WATCH, 'Host: other'), '400 bad_request'],
  ['no Host', `GET ${WATCH} HTTP/1.1\r\n\r\n`, '400 bad_request'],
  ['a percent sign in the path', get('/watch/zato%ZZ?user=user-1'), '400 bad_request'],
  ['half a percent sign', get('/watch/zato%?user=user-1'), '400 bad_request'],
  ['bytes that are no UTF-8', get('/watch/%ff%fe?user=user-1'), '400 bad_request'],
  ['an overlong slash', get('/watch/%c0%af?user=user-1'), '400 bad_request'],
  ['a percent sign in the query', get('/watch/zato01?user=%ZZ'), '400 malformed'],
  ['a NUL', get('/watch/zato01?user=user-1%00'), '400 malformed'],
  ['a line break in an id', get('/watch/zato01?user=user-1%0d%0aX:%20y'), '400 malformed'],
  ['a way out of the folder', get('/watch/../../etc/passwd'), '404 not_found'],
  ['the same, encoded', get('/watch/..%2f..%2fetc%2fpasswd?user=stranger'), '403 not_registered'],
  ['the preface of HTTP/2', HTTP2_PREFACE, '400 bad_request'],
  [
    'an upgrade to HTTP/2',
    get('/watch/zato01?user=stranger', 'Upgrade: h2c', 'Connection: Upgrade'),
    '403 not_registered',
  ],
  [
    'an upgrade to WebSocket',
    get('/watch/zato01?user=stranger', 'Upgrade: websocket', 'Connection: Upgrade'),
    '403 not_registered',
  ],
  ['a version that there is not', request(`GET ${WATCH} HTTP/9.9`), '400 bad_request'],
  ['the hello of TLS', TLS_HELLO, '400 bad_request'],
  ['the line of 9111', 'user-1 zato01\n', '400 bad_request'],
  ['a head of 20 KB', get(WATCH, `X: ${'y'.repeat(20_000)}`), '400 bad_request'],
  ['a target of 20 KB', get(`${WATCH}&x=${'y'.repeat(20_000)}`), '400 bad_request'],
  ['half a head', `GET ${WATCH} HTTP/1.1\r\nHost:`, '400 bad_request'],
  ['POST', request(`POST ${WATCH} HTTP/1.1`), '405 method_not_allowed'],
  ['DELETE', request(`DELETE ${WATCH} HTTP/1.1`), '405 method_not_allowed'],
  ['CONNECT', request('CONNECT edge:9111 HTTP/1.1'), '400 bad_request'],
  ['a method that nobody knows', request(`WATCH ${WATCH} HTTP/1.1`), '400 bad_request'],
  ['a path that there is not', get('/nothing'), '404 not_found'],
  ['several bad requests at once', `${get('/watch/a')}${get(WATCH)}`, '400 malformed'],
];

const TO_9111: readonly Hostile[] = [
  ['a request of HTTP', get(WATCH), 'malformed'],
  ['the preface of HTTP/2', HTTP2_PREFACE, 'malformed'],
  ['the hello of TLS', TLS_HELLO, 'malformed'],
  ['a PROXY header that nobody asked for', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', 'malformed'],
  ['512 bytes without an end', 'u'.repeat(512), 'malformed'],
  ['half a line', 'user-1 zat', 'malformed'],
  ['an empty line', '\n', 'malformed'],
  ['one word', 'user-1\n', 'malformed'],
  ['three words', 'user-1 zato01 token\n', 'malformed'],
  ['bytes that are no UTF-8', '\xff\xfe zato01\n', 'malformed'],
  ['a NUL', 'user-1\0 zato01\n', 'malformed'],
  ['an id with a path', '../user-1 zato01\n', 'malformed'],
  ['two lines', 'stranger zato01\nuser-1 zato01\n', 'not_registered'],
];

const CONTINUE = /^HTTP\/1\.1 100 Continue\r\n\r\n/;
const ERROR = /^HTTP\/1\.1 (\d+) (?:(?!HTTP\/1\.1).)*?\r\n\r\n(\{.*\})$/s;
const REFUSAL = /^ERR (\w+) (.*)\n$/;

/** All of an answer: its status and code; more than one answer, or anything else, as it is. */
function answerOf(text: string): string {
  const [, status, body] = ERROR.exec(text.replace(CONTINUE, '')) ?? [];
  if (body !== undefined) return `${status} ${JSON.parse(body).code}`;
  const [, code, said] = REFUSAL.exec(text) ?? [];
  const isKnown = code !== undefined && said === REFUSALS[code as keyof typeof REFUSALS];
  return isKnown ? code : text;
}

it.each([
  ['9113', TO_9113],
  ['9111', TO_9111],
] as const)(
  'whatever is sent to %s has one clear answer, and no viewer is harmed',
  async (port, hostile) => {
    const rig = await EdgeRig.start({ MAX_USERS: '10' });
    const feed = new Feed('zato01');
    rig.store.registered.add('user-1');
    const viewer = await rig.watch('viewer', 'zato01');
    const answers: string[][] = [];
    for (const [name, text] of hostile) {
      const bytes = Buffer.from(text, 'latin1');
      const peer = port === '9113' ? rig.connectHttp('') : rig.connect();
      peer.send(bytes);
      if (name.startsWith('half')) peer.socket.end();
      await rig.eventually(() => `${name}: ${peer.receivedBytes > 0}`).toBe(`${name}: true`);
      peer.socket.end();
      await rig.eventually(() => `${name}: ${peer.isEnded || peer.isClosed}`).toBe(`${name}: true`);
      answers.push([name, answerOf(peer.text)]);
      await rig.deliver(feed.make(2), viewer);
    }
    expect(answers).toEqual(hostile.map(([name, , answer]) => [name, answer]));
    expect(viewer.bytes.equals(feed.bytes)).toBe(true);
    expect(viewer.isWatching).toBe(true);
    expect(await rig.metric('users')).toBe(1);
    await rig
      .eventually(async () => (await rig.status('viewer')).users[0]?.seconds)
      .toBe(0.04 * hostile.length);
  },
);
