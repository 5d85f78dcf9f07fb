import { HttpError } from '../shared/errors.ts';
import { parseUserId } from '../shared/ids.ts';
import type { ChannelUsage } from '../shared/store/store.ts';
import { firstMinuteOf, secondsByChannel, secondsByHour } from '../shared/usage-window.ts';
import { type Description, errorAnswers, type Schema, USER_ID_SCHEMA } from './description.ts';
import type { Route } from './route.ts';

const SECONDS: Schema = {
  type: 'object',
  description: 'Whole seconds by channel, rounded down.',
  additionalProperties: { type: 'integer', minimum: 0 },
};
const HOURS: Schema = {
  type: 'array',
  description:
    'With by=hour: the hours of UTC with usage, oldest first, each rounded down on its own. The oldest counts as far as it lies in the last 24 hours.',
  items: {
    type: 'object',
    properties: { from: { type: 'string', format: 'date-time' }, sessions: SECONDS },
    required: ['from', 'sessions'],
    additionalProperties: false,
  },
};
const USAGE: Schema = {
  type: 'object',
  properties: { sessions: SECONDS, hours: HOURS },
  required: ['sessions'],
  additionalProperties: false,
};
const DESCRIPTION: Description = {
  operationId: 'usage',
  summary: 'How long a user has watched each channel in the last 24 hours',
  description: 'A user nobody knows has watched nothing.',
  security: [{}, { bearer: [] }],
  params: { type: 'object', properties: { userId: USER_ID_SCHEMA } },
  querystring: {
    type: 'object',
    properties: {
      by: { type: 'string', enum: ['hour'], description: 'Tell the hours, too.' },
    },
  },
  response: {
    200: {
      description: 'What was watched.',
      content: {
        'application/json': {
          schema: USAGE,
          example: {
            sessions: { zato01: 90 },
            hours: [
              { from: '2026-01-15T10:00:00.000Z', sessions: { zato01: 30 } },
              { from: '2026-01-15T11:00:00.000Z', sessions: { zato01: 60 } },
            ],
          },
        },
      },
    },
    ...errorAnswers(
      'bad_user_id',
      'bad_request',
      'bad_token',
      'forbidden',
      'store_unavailable',
      'internal',
      'shutting_down',
    ),
  },
};

/** What is asked for beside the total: `?by=hour`. Of a query it is `by` alone that means anything. */
interface UsageQuery {
  readonly by?: unknown;
}

function bodyOf(read: readonly ChannelUsage[], nowMs: number, by: unknown): string {
  const sessions = secondsByChannel(read, nowMs);
  if (by === undefined) return JSON.stringify({ sessions });
  return JSON.stringify({ sessions, hours: secondsByHour(read, nowMs) });
}

/**
 * `GET /usage/{userId}`: whole seconds per channel, of the last 24 hours, and with `?by=hour` of each of them; none for
 * a user nobody knows.
 */
export const usageRoute: Route = {
  path: /^\/usage\/[^/]*$/,
  allow: 'GET, HEAD',
  add(app, { ask, now, authorize }) {
    app.get<{ Params: { userId: string }; Querystring: UsageQuery }>(
      '/usage/:userId',
      { config: { description: DESCRIPTION } },
      async (request, reply) => {
        const userId = parseUserId(request.params.userId);
        if (userId === undefined) throw new HttpError('bad_user_id');
        authorize(request, userId, 'usage');
        const { by } = request.query;
        if (by !== undefined && by !== 'hour') throw new HttpError('bad_request');
        const nowMs = now();
        const from = firstMinuteOf(nowMs);
        const read = await ask(
          'readUsage',
          (store, abandoned) => store.readUsage(userId, from, abandoned),
          request.raw.signal,
        );
        return reply.type('application/json').send(bodyOf(read, nowMs, by));
      },
    );
  },
};
