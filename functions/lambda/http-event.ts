/**
 * The events that a function serves: payload format 2.0, which an HTTP API and a Function URL send. Their fields are
 * text from outside, so that each is looked at before it is used; what has another shape is no event of ours.
 *
 *     requestContext.stage       "$default", or a name, with which rawPath then begins
 *     requestContext.domainName  <id>.execute-api.<region>.…  rawPath has been decoded
 *                                <id>.lambda-url.<region>.…   rawPath is as the client sent it
 */
export interface HttpEvent {
  readonly version: '2.0';
  /** The path as an HTTP server would see it, percent-encoded, and the query. */
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: {
    readonly requestId: string | undefined;
    readonly http: { readonly method: string; readonly sourceIp: string | undefined };
  };
  readonly body: string | undefined;
  readonly isBase64Encoded: boolean;
  /** Whose token the gateway has verified; '', which nobody is called, where it names nobody; undefined without a token. */
  readonly subject: string | undefined;
  /** Whether an AWS identity has signed the request, and the gateway let it pass. */
  readonly isSigned: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * They tell of the connection to the gateway, which has put the message together: its length is that of the body, and
 * nothing else about its transport matters here.
 */
const TRANSPORT_HEADERS = [
  'connection',
  'content-length',
  'expect',
  'transfer-encoding',
  'upgrade',
];
const DOTS = /^\.\.?$/;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // its % stays, and no id has one
  }
}

/**
 * A segment of a path, decoded, as a client would have sent it: data and not syntax, so that the app decodes it once.
 * Segments of dots would be resolved on the way to the app, encoded or not; with a % before them, which no id has,
 * they are refused there instead.
 */
function encoded(segment: string): string {
  return encodeURIComponent(DOTS.test(segment) ? `%${segment}` : segment.toWellFormed());
}

function withoutStage(path: string, stage: string): string {
  if (stage === '$default' || !`${path}/`.startsWith(`/${stage}/`)) return path;
  return path.slice(stage.length + 1);
}

function pathOf(rawPath: string, context: Fields): string {
  const isFunctionUrl = text(context.domainName)?.includes('.lambda-url.') ?? false;
  const segments = withoutStage(rawPath, text(context.stage) || '$default').split('/');
  const path = (isFunctionUrl ? segments.map(decoded) : segments).map(encoded).join('/');
  return path.startsWith('/') ? path : `/${path}`;
}

function subjectOf(context: Fields): string | undefined {
  const { jwt } = fields(context.authorizer);
  return jwt === undefined ? undefined : (text(fields(fields(jwt).claims).sub) ?? '');
}

function headersOf(given: Fields): Record<string, string> {
  const texts = Object.entries(given).filter(
    (header): header is [string, string] =>
      typeof header[1] === 'string' && !TRANSPORT_HEADERS.includes(header[0].toLowerCase()),
  );
  return Object.fromEntries(texts);
}

/** @returns undefined for an event of another kind */
export function parseHttpEvent(given: unknown): HttpEvent | undefined {
  const event = fields(given);
  const context = fields(event.requestContext);
  const { method, sourceIp } = fields(context.http);
  const rawPath = text(event.rawPath);
  const body = event.body ?? '';
  if (event.version !== '2.0' || rawPath === undefined) return undefined;
  if (typeof method !== 'string' || typeof body !== 'string') return undefined;
  const query = text(event.rawQueryString)?.replaceAll('#', '%23') ?? '';
  return {
    version: '2.0',
    rawPath: pathOf(rawPath, context) + (query && `?${query}`),
    headers: headersOf(fields(event.headers)),
    requestContext: {
      requestId: text(context.requestId),
      http: { method: method.toUpperCase(), sourceIp: text(sourceIp) },
    },
    body: body === '' ? undefined : body,
    isBase64Encoded: event.isBase64Encoded === true,
    subject: subjectOf(context),
    isSigned: fields(context.authorizer).iam !== undefined,
  };
}
