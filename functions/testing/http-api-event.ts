/** `curl -d user-1 …/register`, as an HttpApi hands it over. */
export const REGISTER_EVENT = {
  version: '2.0',
  routeKey: 'ANY /register',
  rawPath: '/register',
  rawQueryString: '',
  headers: {
    accept: '*/*',
    'content-length': '6',
    'content-type': 'application/x-www-form-urlencoded',
    host: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
    'user-agent': 'curl/8.5.0',
    'x-amzn-trace-id': 'Root=1-69686b2e-4e1d7d3c0b7c1f6a2d9e8f01',
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-port': '443',
    'x-forwarded-proto': 'https',
  },
  requestContext: {
    accountId: '123456789012',
    apiId: 'a1b2c3d4e5',
    domainName: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
    domainPrefix: 'a1b2c3d4e5',
    http: {
      method: 'POST',
      path: '/register',
      protocol: 'HTTP/1.1',
      sourceIp: '203.0.113.7',
      userAgent: 'curl/8.5.0',
    },
    requestId: 'XHdX5gPXliAEPxQ=',
    routeKey: 'ANY /register',
    stage: '$default',
    time: '15/Jan/2026:12:00:30 +0000',
    timeEpoch: 1768478430000,
  },
  body: 'dXNlci0x',
  isBase64Encoded: true,
};

type RegisterEvent = typeof REGISTER_EVENT;

/** An event of an HTTP API, payload format 2.0; `rest` replaces fields of its top level. */
export function event(
  method: string,
  rawPath: string,
  rest: Partial<Record<keyof RegisterEvent, unknown>> = {},
): RegisterEvent {
  const { requestContext, body: _, isBase64Encoded: __, headers, ...base } = REGISTER_EVENT;
  const { 'content-length': ___, 'content-type': ____, ...others } = headers;
  const http = { ...requestContext.http, method, path: rawPath };
  return {
    ...base,
    rawPath,
    headers: others,
    requestContext: { ...requestContext, http },
    isBase64Encoded: false,
    ...rest,
  } as RegisterEvent;
}
