import type { FastifyInstance } from 'fastify';
import { HttpError } from '../../../shared/errors.ts';
import { parseUserId } from '../../../shared/ids.ts';
import { REGISTRATIONS_MAX, STORE_TIMEOUT_MS } from '../../../shared/limits.ts';
import type { Store } from '../../../shared/store/store.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';
import { Permits } from '../../admission/permits.ts';

/**
 * `POST /register` for the players' page, as functions has it, where whoever opens the page may register: a page may ask
 * its own origin alone. `GET /player.json` tells the page whether it may.
 */
export function addRegisterRoute(
  app: FastifyInstance,
  registration: 'open' | 'closed',
  store: Pick<Store, 'register'>,
): void {
  app.get('/player.json', (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ registration }),
  );
  if (registration === 'closed') return;
  const permits = new Permits(REGISTRATIONS_MAX);
  app.post<{ Body: unknown }>('/register', async ({ body }, reply) => {
    const userId = typeof body === 'string' ? parseUserId(body.trim()) : undefined;
    if (userId === undefined) throw new HttpError('bad_user_id');
    await permits.take(STORE_TIMEOUT_MS).catch((cause: unknown) => {
      throw new HttpError('store_unavailable', { cause });
    });
    try {
      await withTimeout(store.register(userId), STORE_TIMEOUT_MS);
    } catch (cause) {
      throw new HttpError('store_unavailable', { cause });
    } finally {
      permits.giveBack();
    }
    return reply.send();
  });
}
