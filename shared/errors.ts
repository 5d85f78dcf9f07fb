/**
 * The closed catalogue of errors. Codes are stable: clients and dashboards may depend on them.
 * docs/http-api.md and docs/protocol.md list them all; a test holds the two together.
 */

/** What an HTTP answer may carry in `code`, with its status and usual text. */
export const HTTP_ERRORS = {
  bad_user_id: {
    status: 400,
    message:
      'user id must be 1 to 128 bytes of UTF-8 without white space, control characters or / ? # %, and not . or ..',
  },
  bad_request: { status: 400, message: 'the request could not be understood' },
  forbidden: { status: 403, message: 'the token is not that of this user' },
  api_key_needed: {
    status: 403,
    message:
      'only the operator may do that: with one of API_KEYS, which must be set, or in Lambda by a signed request',
  },
  bad_token: { status: 401, message: 'this token is not good for that' },
  operators_only: {
    status: 401,
    message: 'this is for operators: send ADMIN_TOKEN in Authorization: Bearer',
  },
  operators_closed: {
    status: 403,
    message:
      'ADMIN_TOKEN is not set, and this port listens beyond loopback: it serves health and metrics alone',
  },
  cross_site: { status: 403, message: 'a page from elsewhere may not ask for that' },
  not_found: { status: 404, message: 'no such path' },
  page_not_built: {
    status: 404,
    message: 'this page is not built here: npm run bundle, then start the edge node again',
  },
  no_such_session: { status: 404, message: 'there is no such session, or no longer' },
  method_not_allowed: { status: 405, message: 'this path does not take that method' },
  body_too_large: { status: 413, message: 'the body is larger than 4 KiB' },
  misdirected: {
    status: 421,
    message: 'this server is not asked by that host name: see ADMIN_ALLOWED_HOSTS',
  },
  store_unavailable: { status: 500, message: 'the store did not answer in time' },
  internal: { status: 500, message: 'internal error' },
  shutting_down: { status: 503, message: 'this server is draining' },
  too_many_connections: { status: 503, message: 'no room for another connection' },
} as const;
export type HttpErrorCode = keyof typeof HTTP_ERRORS;

/** An error whose code and status a client sees. `cause` is for the log alone. */
export class HttpError extends Error {
  readonly code: HttpErrorCode;
  readonly statusCode: number;
  constructor(code: HttpErrorCode, options?: ErrorOptions) {
    super(HTTP_ERRORS[code].message, options);
    this.name = 'HttpError';
    this.code = code;
    this.statusCode = HTTP_ERRORS[code].status;
  }
}

/** What a refused user reads on 9111: `ERR <code> <text>\n`. */
export const REFUSALS = {
  malformed: 'send one line: <user-id> <channel-id>, and <token> third where tokens are asked for',
  timeout: 'no complete line within 10 s',
  bad_token: 'this token does not let this user watch this channel',
  not_registered: 'register this user first: POST /register',
  too_many_connections: 'no room for another connection',
  store_unavailable: 'registrations cannot be looked up right now',
  shutting_down: 'this server is draining: connect again',
} as const;
export type RefusalCode = keyof typeof REFUSALS;

/** What a refused player reads on 9113, and its status: 503 is what passes by itself. */
export const WATCH_REFUSALS = {
  malformed: {
    status: 400,
    message:
      'ask without a body: GET /watch/{channel}?user={user-id}, with &start=live or &start=entry if you like',
  },
  bad_token: { status: 401, message: REFUSALS.bad_token },
  not_registered: { status: 403, message: REFUSALS.not_registered },
  too_many_connections: { status: 503, message: REFUSALS.too_many_connections },
  store_unavailable: { status: 503, message: REFUSALS.store_unavailable },
  shutting_down: { status: 503, message: REFUSALS.shutting_down },
} as const satisfies Partial<
  Record<RefusalCode, { readonly status: number; readonly message: string }>
>;

/**
 * What led to a refusal whose code stands for several causes. Whoever is refused learns the code alone; metrics and the
 * log name the cause. docs/operations.md lists them.
 */
export const REFUSAL_CAUSES = {
  max_users: { code: 'too_many_connections', text: 'MAX_USERS, or the limit of open files' },
  per_address: { code: 'too_many_connections', text: 'MAX_USERS_PER_ADDRESS' },
  per_user: {
    code: 'too_many_connections',
    text: 'MAX_SESSIONS_PER_USER, and none of them may make room yet',
  },
  too_often: {
    code: 'too_many_connections',
    text: 'the user begins sessions too often: 60 at once, then one a second',
  },
  overload: { code: 'too_many_connections', text: 'delivery is late or takes too much time' },
  supervisor: {
    code: 'too_many_connections',
    text: 'the process that gives out the places of all workers did not answer within 2 s',
  },
  lobby: {
    code: 'too_many_connections',
    text: 'too many connections without a session, and all of them have asked or have just come',
  },
  silent: {
    code: 'too_many_connections',
    text: 'it had sent no line for longest, and made room for a new connection',
  },
  missing: { code: 'bad_token', text: 'there is no token' },
  invalid: { code: 'bad_token', text: 'the token is malformed, has ended, or is signed by no key' },
  other_user: { code: 'bad_token', text: 'the token is that of another user' },
  other_channel: { code: 'bad_token', text: 'the token is not for this channel' },
} as const satisfies Record<string, { readonly code: RefusalCode; readonly text: string }>;
export type RefusalCause = keyof typeof REFUSAL_CAUSES;
export type CauseOf<Code extends RefusalCode> = {
  [Cause in RefusalCause]: (typeof REFUSAL_CAUSES)[Cause]['code'] extends Code ? Cause : never;
}[RefusalCause];

/** That somebody is refused, and why. */
export type Refusal<Code extends RefusalCode = RefusalCode> = Code extends RefusalCode
  ? { readonly code: Code } & ([CauseOf<Code>] extends [never]
      ? { readonly cause?: undefined }
      : { readonly cause: CauseOf<Code> })
  : never;

/** Why a user's connection, on 9111 or 9113, ended. Each ends for one reason; metrics and the log name it. */
export const CLOSE_REASONS = {
  refused: 'it was refused: with an ERR line on 9111, with an HTTP status on 9113',
  client_closed: 'the user closed the connection',
  client_reset: 'the connection broke',
  proxy_failed:
    'no PROXY header came from a network of PROXY_PROTOCOL_FROM, or no whole one within 10 s',
  tls_failed: 'the TLS handshake failed, or was not done within 10 s',
  client_talks: 'the user sent more than 64 KiB after its line',
  half_closed_idle: 'the user had sent FIN, and nothing could be delivered for 60 s',
  stalled: 'no write completed for USER_STALL_MS',
  memory_short:
    'it had not read what it was sent long ago, and the memory was needed: EDGE_LOG_BYTES',
  replaced:
    'it made room for another session at a limit of users: it had most likely left, waited for an absent channel, or was the oldest of its user',
  closed_by_operator: 'an operator closed it, on 9112',
  unregistered: 'the user is not registered any more',
  shutdown: 'the edge node was stopped',
} as const;
export type CloseReason = keyof typeof CLOSE_REASONS;

/** A setting that the process cannot start with. The message is the one line to print. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The connection to the channel source is given up; a new one may help. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** The connection to NATS is given up, or cannot be made; another attempt may succeed. */
export class NatsError extends Error {
  override readonly name = 'NatsError';
}

/** The store does not serve now: it is away, closed, or too slow. Whatever was asked may be asked again. */
export class StoreAwayError extends Error {
  override readonly name = 'StoreAwayError';
  /** The engine's own word for why, where it has one. */
  readonly code: string | number | undefined;
  constructor(message: string, options: ErrorOptions & { readonly code?: string | number } = {}) {
    super(message, options);
    this.code = options.code;
  }
}

/** The engine serves, but does not take this one row. */
export class RowRefusedError extends Error {
  override readonly name = 'RowRefusedError';
}

/** The store can be reached but will never serve as it is set: nodes, keyspace, credentials or schema are wrong. */
export class StoreSetupError extends Error {
  override readonly name = 'StoreSetupError';
}

/** The bytes of a spool file are not what a writer wrote. */
export class DamagedSpoolFileError extends Error {
  override readonly name = 'DamagedSpoolFileError';
}

/** A spool file of a version that this program does not know: a newer one will. */
export class UnknownSpoolVersionError extends Error {
  override readonly name = 'UnknownSpoolVersionError';
}

/** Something that the spool's disk was asked before has not ended: nothing else is asked of it meanwhile. */
export class SpoolHungError extends Error {
  override readonly name = 'SpoolHungError';
}

/** What went wrong, in words that are never empty: of several attempts each, which the message of their error lacks. */
export function reasonOf(thrown: unknown): string {
  const error = asError(thrown);
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(reasonOf))].join('; ');
  }
  return error.message || error.name;
}

/** What was thrown, as an Error: anything can be thrown, and log lines take errors alone. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new TypeError(String(thrown));
}

/** Why an input of the gateway ended. `docs/gateway.md` lists them. */
export const INPUT_ENDS = {
  ended: 'it came to its end',
  unreachable: 'it could not be opened, or broke off',
  silent: 'it sent nothing for SILENCE_MS',
  not_transport_stream: 'what it sends is not MPEG-TS',
  no_clock: 'it has no stream clock (PCR) to be played by',
  child_failed: 'ffmpeg could not play it',
  too_many_children: 'no further ffmpeg may run',
} as const;
export type InputEnd = keyof typeof INPUT_ENDS;

/** An input of the gateway ended for that reason; the message says more, and no secret of its URL. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly reason: InputEnd;
  constructor(reason: InputEnd, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? INPUT_ENDS[reason] : `${INPUT_ENDS[reason]}: ${detail}`, options);
    this.reason = reason;
  }
}
