import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from '../errors.ts';

/** The pages of this repository, by the folder of `dist` that `npm run bundle` makes of them. */
export type PageName = 'player' | 'operator';

interface BundledFile {
  /** Where it is served. */
  readonly path: string;
  readonly name: string;
  readonly type: string;
}

function filesOf(page: PageName): readonly BundledFile[] {
  return [
    { path: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
    { path: `/${page}.js`, name: `${page}.js`, type: 'text/javascript; charset=utf-8' },
    { path: `/${page}.css`, name: `${page}.css`, type: 'text/css; charset=utf-8' },
  ];
}

const DIST = join(import.meta.dirname, '../../dist');

/** A page runs its own script and talks to its own port, and nothing else; a video comes from that script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  'media-src blob:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // It is asked for each time, and sent only where it has changed.
  'cache-control': 'no-cache',
  vary: 'Accept-Encoding',
};

interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

/** What a page is served at; it tells nothing by itself. */
export function pagePaths(page: PageName): string[] {
  return filesOf(page).map(({ path }) => path);
}

/** A page at `/`, held in memory. Where it was never bundled, its paths say how to make it. */
export async function addWebPage(
  app: FastifyInstance,
  page: PageName,
  folder = join(DIST, page),
): Promise<void> {
  for (const { path, name, type } of filesOf(page)) {
    const file = await load(join(folder, name), type);
    app.get(path, { exposeHeadRoute: true }, (request, reply) => {
      if (file === undefined) throw new HttpError('page_not_built');
      return answer(file, request, reply);
    });
  }
}

async function load(path: string, type: string): Promise<PageFile | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const hash = createHash('sha256').update(bytes).digest('base64url');
  return { type, bytes, zipped: await promisify(gzip)(bytes), etag: `"${hash}"` };
}

function answer(file: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers(HEADERS).header('etag', file.etag);
  if (request.headers['if-none-match']?.includes(file.etag)) return reply.code(304).send();
  reply.type(file.type);
  if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(file.bytes);
  return reply.header('content-encoding', 'gzip').send(file.zipped);
}
