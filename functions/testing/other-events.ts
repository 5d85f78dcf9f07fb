import { event } from './http-api-event.ts';

const USAGE_EVENT = event('GET', '/usage/watcher');

/** Events that others than HTTP APIs and Function URLs send, and none at all. */
export const OTHER_EVENTS: [name: string, event: unknown][] = [
  [
    'a REST API',
    {
      resource: '/usage/{userId}',
      path: '/usage/watcher',
      httpMethod: 'GET',
      headers: { Host: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com' },
      multiValueHeaders: { Host: ['a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com'] },
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      pathParameters: { userId: 'watcher' },
      stageVariables: null,
      requestContext: { stage: 'prod', resourcePath: '/usage/{userId}', httpMethod: 'GET' },
      body: null,
      isBase64Encoded: false,
    },
  ],
  ['an HTTP API with payload format 1.0', { ...USAGE_EVENT, version: '1.0' }],
  [
    'a load balancer',
    {
      requestContext: {
        elb: {
          targetGroupArn:
            'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/usage/6d0ecf831eec9f09',
        },
      },
      httpMethod: 'GET',
      path: '/usage/watcher',
      queryStringParameters: {},
      headers: { 'user-agent': 'ELB-HealthChecker/2.0' },
      body: '',
      isBase64Encoded: false,
    },
  ],
  [
    'a schedule',
    {
      version: '0',
      id: '89d1a02d-5ec7-412e-82f5-13505f849b41',
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: '123456789012',
      time: '2026-01-15T12:00:30Z',
      region: 'eu-central-1',
      resources: ['arn:aws:events:eu-central-1:123456789012:rule/warm'],
      detail: {},
    },
  ],
  ['a warm-up ping', { source: 'serverless-plugin-warmup' }],
  ['a queue', { Records: [{ messageId: '1', body: 'user-1', eventSource: 'aws:sqs' }] }],
  ['a console test', { key1: 'value1', key2: 'value2', key3: 'value3' }],
  ['a half event', { version: '2.0', rawPath: '/usage/watcher' }],
  ['a path that is no text', { ...USAGE_EVENT, rawPath: 7 }],
  ['a body that is no text', { ...USAGE_EVENT, body: { user: 'x' } }],
  ['an object', {}],
  ['null', null],
  ['nothing', undefined],
  ['a list', []],
  ['a text', 'GET /usage/watcher'],
];
