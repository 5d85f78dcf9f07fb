import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../../shared/config.ts';
import { HttpError } from '../../shared/errors.ts';
import { PROBES } from '../../shared/http/probes.ts';
import type { Logger } from '../../shared/logger.ts';
import { bearerToken } from '../../shared/tokens/bearer.ts';
import { secretCheck } from '../../shared/tokens/secret-check.ts';
import { hostCheck } from './allowed-hosts.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

type AccessSettings = Pick<Config, 'ADMIN_HOST' | 'ADMIN_TOKEN' | 'ADMIN_ALLOWED_HOSTS'>;

interface AccessParts {
  readonly config: AccessSettings;
  /** Paths of files that hold nothing but the form which the token is entered in. */
  readonly form: readonly string[];
  readonly logger: Logger;
}

/**
 * Who may ask what of an operators' port. Health and metrics are anybody's. All else is asked for by a name of this
 * server (allowed-hosts.ts), and with ADMIN_TOKEN where it is set; where it is not, on loopback alone. What changes
 * anything is never taken from a web page of another origin, for on loopback a browser needs no token.
 */
export function guardOperators(
  routes: FastifyInstance,
  { config, form, logger }: AccessParts,
): void {
  const { ADMIN_HOST, ADMIN_TOKEN, ADMIN_ALLOWED_HOSTS } = config;
  const isOurs = hostCheck(ADMIN_ALLOWED_HOSTS);
  const isToken = secretCheck(ADMIN_TOKEN);
  const needsToken = ADMIN_TOKEN.length > 0;
  const isClosed = !needsToken && !LOOPBACK.test(ADMIN_HOST);
  if (isClosed) {
    logger.warn(
      { host: ADMIN_HOST },
      'operators: health and metrics alone are served, since ADMIN_HOST is not loopback and ADMIN_TOKEN is not set',
    );
  }
  routes.addHook('onRequest', async (request) => {
    const path = request.routeOptions.url ?? '';
    // Balancers and scrapers ask by names of their own and without a token.
    if (PROBES.includes(path)) return;
    if (!isOurs(request.headers.host)) throw new HttpError('misdirected');
    if (isClosed) throw new HttpError('operators_closed');
    if (needsToken && !form.includes(path)) {
      const bearer = bearerToken(request.headers.authorization);
      if (bearer === undefined || !isToken(bearer)) throw new HttpError('operators_only');
    }
    if (request.method === 'POST' && isCrossSite(request)) throw new HttpError('cross_site');
  });
}

/** Whether a browser says that the page which asks is not of this origin; others than browsers say nothing. */
function isCrossSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return true;
  const { origin, host } = headers;
  return origin !== undefined && URL.parse(origin)?.host !== host;
}
