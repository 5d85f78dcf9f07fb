import { type Announcement, parseAnnouncement } from '../../shared/edges/announcement.ts';
import { type Description, errorAnswers, type Schema } from '../description.ts';
import type { Route } from '../route.ts';

const EDGE = {
  type: 'object',
  properties: {
    address: { type: 'string', description: 'host:port of 9111.' },
    watchUrl: { type: 'string', description: 'What 9113 is reached by, such as http://host:9113.' },
    load: { type: 'number', minimum: 0, description: '0 is idle; at 1 it would not be listed.' },
    users: { type: 'integer', minimum: 0 },
    channels: {
      type: 'array',
      items: { type: 'string' },
      description: 'Those on hand, 4,096 at the most: whoever asks for one waits for nothing.',
    },
  },
  required: ['address', 'watchUrl', 'load', 'users', 'channels'],
  additionalProperties: false,
} as const satisfies Schema;
const DESCRIPTION: Description = {
  operationId: 'edges',
  summary: 'The edge nodes that take users',
  description:
    'Those with ADVERTISE_ADDRESS, the least loaded first. One that drains is gone at once, one that died within 30 s.',
  security: [{}, { bearer: [] }],
  response: {
    200: {
      description: 'What each announced within the last 30 s, most often in the last 10.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: { edges: { type: 'array', items: EDGE } },
            required: ['edges'],
            additionalProperties: false,
          },
          example: {
            edges: [
              {
                address: '203.0.113.7:9111',
                watchUrl: 'http://203.0.113.7:9113',
                load: 0.42,
                users: 2_100,
                channels: ['zato01', 'zato02'],
              },
            ],
          },
        },
      },
    },
    ...errorAnswers('bad_request', 'bad_token', 'store_unavailable', 'internal', 'shutting_down'),
  },
};

/** Those with room, the least loaded first; what is no announcement, or one of a full node, is left out. */
function withRoom(texts: readonly string[]): Announcement[] {
  return texts
    .map(parseAnnouncement)
    .filter((edge) => edge !== undefined)
    .filter(({ load }) => load < 1)
    .sort((a, b) => a.load - b.load || (a.address < b.address ? -1 : 1));
}

/** `GET /edges`: where a user may be sent to. */
export const edgesRoute: Route = {
  path: /^\/edges$/,
  allow: 'GET, HEAD',
  add(app, { ask, authorize }) {
    app.get('/edges', { config: { description: DESCRIPTION } }, async (request, reply) => {
      authorize(request, undefined, 'edges');
      const texts = await ask('readEdges', (store) => store.readAnnouncements());
      const body = JSON.stringify({ edges: withRoom(texts) });
      return reply.type('application/json').send(body);
    });
  },
};
