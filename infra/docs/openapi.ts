import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import { ROUTES } from '../../functions/app.ts';
import { errorSchema } from '../../functions/description.ts';
import { healthRoute } from '../../functions/health.ts';
import { HTTP_ERRORS, HttpError, type HttpErrorCode } from '../../shared/errors.ts';

const INTRODUCTION = `The HTTP API of functions: docs/http-api.md says it in words. Every error is JSON with a code of this table. Those
that no operation below names are of requests that are none of them: \`not_found\` and \`method_not_allowed\`, and of the
edge node's own ports.

| code | status | message |
|---|---|---|
`;

/** docs/openapi.json, out of what the routes of functions tell of themselves. */
export async function openApi(): Promise<string> {
  const app = fastify();
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      // The version of the API, which is not that of the program: a minor one more for what is added.
      info: { title: 'Streaming Service', version: '1.1.0', description: introduction() },
      components: {
        schemas: { Error: errorSchema(Object.keys(HTTP_ERRORS) as HttpErrorCode[]) },
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key or, for its own user’s usage, a stream token.',
          },
        },
      },
    },
    transform: ({ route, url }) => ({ schema: { ...route.config?.description }, url }),
  });
  const never = () => Promise.reject(new HttpError('internal'));
  for (const route of [...ROUTES, healthRoute]) {
    route.add(app, { ask: never, now: () => 0, authorize: () => {}, isDraining: () => false });
  }
  await app.ready();
  return `${JSON.stringify(app.swagger(), null, 2)}\n`;
}

function introduction(): string {
  const rows = Object.entries(HTTP_ERRORS).map(
    ([code, { status, message }]) => `| \`${code}\` | ${status} | ${message} |`,
  );
  return INTRODUCTION + rows.join('\n');
}
