import { pino } from 'pino';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HTTP_ERRORS } from '../shared/errors.ts';
import type { ChannelId, Minute, UserId, WriterId } from '../shared/ids.ts';
import { MINUTE_MS, STORE_TIMEOUT_MS, USAGE_WINDOW_MS } from '../shared/limits.ts';
import type { Store, UsageRow } from '../shared/store/store.ts';
import { MemoryStore } from '../shared/testing/memory-store.ts';
import { type AppParts, buildApp } from './app.ts';
import { httpContract, injecting } from './testing/http-contract.ts';

const silent = pino({ level: 'silent' });
afterEach(() => {
  vi.useRealTimers();
});

function open(parts: Partial<AppParts> = {}) {
  const app = buildApp({ store: new MemoryStore(), logger: silent, ...parts });
  onTestFinished(() => app.close());
  return app;
}

/** A logger and the lines that it has written. */
function recorded(level: string) {
  const lines: Record<string, unknown>[] = [];
  return { logger: pino({ level }, { write: (line) => lines.push(JSON.parse(line)) }), lines };
}

describe('the HTTP contract, injected', () => {
  const app = buildApp({ store: new MemoryStore(), logger: silent });
  it.each(httpContract(injecting(app)))('$name', ({ run }) => run());
});

describe('usage', () => {
  const NOW = Date.UTC(2026, 0, 15, 12, 0, 30);
  const row = (minutesBack: number, deliveredMs: number, channel: string): UsageRow => ({
    userId: 'user-1' as UserId,
    minute: (Math.floor(NOW / MINUTE_MS) - minutesBack) as Minute,
    channelId: channel as ChannelId,
    writerId: 'writer' as WriterId,
    deliveredMs,
    final: true,
  });

  it('has the very form that clients of the service know', async () => {
    const store = new MemoryStore();
    await store.saveUsage([
      row(0, 1_500, 'zato02'),
      row(1, 30_000, 'zato01'),
      row(1, 29_999, 'zato02'),
      row(2, 1_999, 'zato01'),
    ]);
    const answer = await open({ store, now: () => NOW }).inject('/usage/user-1');
    expect(answer.payload).toBe('{"sessions":{"zato01":31,"zato02":31}}');
  });

  it('has the hours beside the total where they are asked for, out of one reading', async () => {
    const store = new MemoryStore();
    await store.saveUsage([
      row(0, 1_500, 'zato02'),
      row(1, 60_000, 'zato01'),
      row(70, 30_000, 'zato01'),
      row(USAGE_WINDOW_MS / MINUTE_MS, MINUTE_MS, 'zato01'),
    ]);
    const read = vi.spyOn(store, 'readUsage');
    const app = open({ store, now: () => NOW });
    const total = '{"sessions":{"zato01":120,"zato02":1}';
    const hours = [
      '{"from":"2026-01-14T12:00:00.000Z","sessions":{"zato01":30}}',
      '{"from":"2026-01-15T10:00:00.000Z","sessions":{"zato01":30}}',
      '{"from":"2026-01-15T11:00:00.000Z","sessions":{"zato01":60}}',
      '{"from":"2026-01-15T12:00:00.000Z","sessions":{"zato02":1}}',
    ];
    const byHour = await app.inject('/usage/user-1?of=today&by=hour');
    expect(byHour.payload).toBe(`${total},"hours":[${hours}]}`);
    expect(read).toHaveBeenCalledTimes(1);
    expect((await app.inject('/usage/user-1')).payload).toBe(`${total}}`);
  });

  it('counts the oldest minute in proportion and asks the store for nothing before it', async () => {
    const store = new MemoryStore();
    const back = USAGE_WINDOW_MS / MINUTE_MS;
    await store.saveUsage([row(back, MINUTE_MS, 'zato01'), row(back + 1, MINUTE_MS, 'zato01')]);
    const read = vi.spyOn(store, 'readUsage');
    const answer = await open({ store, now: () => NOW }).inject('/usage/user-1');
    expect(answer.payload).toBe('{"sessions":{"zato01":30}}');
    expect(read.mock.calls[0]?.slice(0, 2)).toEqual(['user-1', NOW / MINUTE_MS - 0.5 - back]);
  });
});

describe('a store that fails', () => {
  const SECRET = 'connect ECONNREFUSED 10.1.2.3:9042 as cassandra';
  const requests = [
    { method: 'POST', url: '/register', payload: 'user-1' },
    { method: 'GET', url: '/usage/user-1' },
  ] as const;
  const away = { code: 'store_unavailable', message: HTTP_ERRORS.store_unavailable.message };

  it.each(requests)('gives 500 for $method $url, and none of its details', async (request) => {
    const store = new MemoryStore();
    store.gate = () => Promise.reject(new Error(SECRET));
    const answer = await open({ store }).inject(request);
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toEqual(away);
    expect(JSON.stringify(answer.headers)).not.toContain('cassandra');
  });

  it.each(requests)(
    'gives 500 after the time limit where it never answers $url',
    async (request) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const store = new MemoryStore();
      const asked = Promise.withResolvers<void>();
      store.gate = () => {
        asked.resolve();
        return new Promise(() => {});
      };
      let answered = false;
      const answer = open({ store }).inject(request);
      answer.then(() => {
        answered = true;
      });
      await asked.promise;
      await vi.advanceTimersByTimeAsync(STORE_TIMEOUT_MS - 1);
      expect(answered).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect((await answer).statusCode).toBe(500);
      expect((await answer).json()).toEqual(away);
    },
  );

  it('is told at the time limit that nobody waits for its rows any more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const store: Store = new MemoryStore();
    const asked = Promise.withResolvers<AbortSignal | undefined>();
    store.readUsage = (_userId, _from, abandoned) => {
      asked.resolve(abandoned);
      return new Promise(() => {});
    };
    const answer = open({ store }).inject('/usage/user-1');
    const abandoned = await asked.promise;
    await vi.advanceTimersByTimeAsync(STORE_TIMEOUT_MS - 1);
    expect(abandoned?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await answer).statusCode).toBe(500);
    expect(abandoned?.aborted).toBe(true);
  });

  it('still lets the service be alive and ready', async () => {
    const store = new MemoryStore();
    store.gate = () => new Promise(() => {});
    const app = open({ store });
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    expect((await app.inject('/readyz')).statusCode).toBe(200);
  });

  it('is logged with the cause and the id of the request that the answer carries', async () => {
    const store = new MemoryStore();
    store.gate = () => Promise.reject(new Error(SECRET));
    const { logger, lines } = recorded('info');
    const answer = await open({ store, logger }).inject('/usage/user-1');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      requestId: answer.headers['x-request-id'],
      method: 'GET',
      url: '/usage/user-1',
      err: { message: SECRET },
    });
  });

  it('does not flood the log: the rest of a second is one line with the exact count', async () => {
    const store = new MemoryStore();
    store.gate = () => Promise.reject(new Error(SECRET));
    const { logger, lines } = recorded('info');
    const app = buildApp({ store, logger });
    for (let n = 0; n < 50; n += 1) await app.inject('/usage/user-1');
    await app.close();
    const counted = lines.slice(1).reduce((sum, line) => sum + Number(line.count), 0);
    expect(counted).toBe(49);
    expect(lines.length).toBeLessThan(50);
  });
});

describe('request ids', () => {
  it('come from the gateway where they look like ids, else are our own, each different', async () => {
    const app = open();
    const ids = [];
    for (const given of ['Root=1-5e1b4151', 'two words', 'x'.repeat(129), undefined]) {
      const headers = given === undefined ? {} : { 'x-request-id': given };
      ids.push((await app.inject({ url: '/nowhere', headers })).headers['x-request-id']);
    }
    expect(ids[0]).toBe('Root=1-5e1b4151');
    expect(new Set(ids).size).toBe(4);
    for (const id of ids.slice(1)) expect(id).toMatch(/^[0-9a-f]{8}-\d+$/);
  });

  it('stand in a line for each request at level debug, and in none at info', async () => {
    for (const [level, count] of [
      ['debug', 1],
      ['info', 0],
    ] as const) {
      const { logger, lines } = recorded(level);
      await open({ logger }).inject({ url: '/healthz', headers: { 'x-request-id': 'id-7' } });
      expect(lines).toHaveLength(count);
      if (count)
        expect(lines[0]).toMatchObject({ requestId: 'id-7', url: '/healthz', status: 200 });
    }
  });
});
