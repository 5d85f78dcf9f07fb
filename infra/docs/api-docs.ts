/**
 * `node --import ./infra/docs/api-docs.ts functions/server.ts`: functions with its API to read and to try out, at `/docs`.
 * `make functions` starts it so. What it needs is no part of an image: it comes into the app from outside, when Fastify
 * says that there is one.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

const OPENAPI = new URL('../../docs/openapi.json', import.meta.url);

subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { fastify: FastifyInstance };
  const document = JSON.parse(readFileSync(OPENAPI, 'utf8'));
  fastify.register(swagger, { mode: 'static', specification: { document } });
  fastify.register(swaggerUi, { routePrefix: '/docs' });
});
