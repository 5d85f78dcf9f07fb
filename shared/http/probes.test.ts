import { describe, expect, it, vi } from 'vitest';
import { PROBE_MAX_CONNECTIONS } from '../limits.ts';
import { Client, GET, listening, until } from './testing/http-rig.ts';

// Time stands still: whoever has come has only just come.
vi.mock(import('../clock.ts'), async (original) => ({
  ...(await original()),
  monotonicMs: () => 0,
}));

describe('while all places are held', () => {
  const PATHS = ['/healthz', '/readyz?verbose', '/metrics'];
  const silent = (port: number, many: number) =>
    Array.from({ length: many }, () => new Client(port));

  it('a probe is answered amid ever new silent connections, and its connection ends', async () => {
    const { port, listener } = await listening({ maxConnections: 2 });
    const crowd = silent(port, 2);
    await until(() => listener.connections === 2);
    for (let wave = 0; wave < 10; wave += 1) {
      crowd.push(...silent(port, 3 * PROBE_MAX_CONNECTIONS));
      const probes = PATHS.map((path) => new Client(port).send(GET(path)));
      crowd.push(...silent(port, 3 * PROBE_MAX_CONNECTIONS));
      await Promise.all(probes.map(({ closed }) => closed));
      expect(probes.map(({ statuses }) => statuses)).toEqual([[200], [200], [200]]);
      expect(probes[0]?.received).toMatch(/connection: close/i);
    }
    expect(listener.connections).toBe(2);
    await until(() => listener.counts.accepted === crowd.length + 10 * PATHS.length);
    const { madeRoom, turnedAway } = listener.counts;
    expect(madeRoom).toBe(0);
    expect(turnedAway).toBeGreaterThanOrEqual(crowd.length - 2 - PROBE_MAX_CONNECTIONS);
    expect(new Set(crowd.flatMap(({ statuses }) => statuses))).toEqual(new Set([503]));
  });

  it('whatever else is asked first is turned away, and what follows it unheard', async () => {
    const asked: unknown[] = [];
    const { port, listener } = await listening({
      maxConnections: 1,
      handler: ({ url }, response) => {
        asked.push(url);
        response.end();
      },
    });
    silent(port, 1);
    await until(() => listener.connections === 1);
    const post = 'POST /healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab';
    const others = [GET('/'), GET('/healthz/x'), post].map((bytes) =>
      new Client(port).send(bytes, GET('/healthz')),
    );
    const garbage = new Client(port).send('garbage\r\n\r\n');
    await Promise.all([...others, garbage].map(({ closed }) => closed));
    expect(others.map(({ statuses }) => statuses)).toEqual([[503], [503], [503]]);
    expect(garbage.statuses).toEqual([400]);
    expect(asked).toEqual([]);
    expect(listener.counts.turnedAway).toBe(others.length);
  });

  it('probes that are being answered make no room for further ones', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let asked = 0;
    const { port, listener } = await listening({
      maxConnections: 1,
      handler: async (_request, response) => {
        asked += 1;
        await released;
        response.end();
      },
    });
    silent(port, 1);
    await until(() => listener.connections === 1);
    const probes = silent(port, PROBE_MAX_CONNECTIONS);
    for (const probe of probes) probe.send(GET('/metrics'), GET('/metrics'));
    await until(() => asked === probes.length);
    const further = new Client(port).send(GET('/metrics'));
    await further.closed;
    expect(further.statuses).toEqual([503]);
    release();
    await Promise.all(probes.map(({ closed }) => closed));
    expect(probes.map(({ statuses }) => statuses)).toEqual(probes.map(() => [200]));
  });

  it('whoever does not take the answer to a probe makes room, once nobody silent is left', async () => {
    // More than the kernel takes for a connection.
    const page = Buffer.alloc(32 * 1024 * 1024);
    let asked = 0;
    const { port, listener } = await listening({
      maxConnections: 1,
      handler: ({ url }, response) => {
        asked += 1;
        response.end(url === '/metrics' ? page : url);
      },
    });
    silent(port, 1);
    await until(() => listener.connections === 1);
    const stalled = silent(port, PROBE_MAX_CONNECTIONS);
    for (const { socket } of stalled) socket.pause();
    for (const probe of stalled) probe.send(GET('/metrics'));
    await until(() => asked === stalled.length);
    const probe = new Client(port).send(GET('/healthz'));
    await probe.closed;
    expect(probe.statuses).toEqual([200]);
  });

  it('a stop waits for no silent one', async () => {
    const { port, listener } = await listening({ maxConnections: 1 });
    const crowd = silent(port, 3);
    await until(() => listener.counts.accepted === crowd.length);
    await listener.close();
    await Promise.all(crowd.map(({ closed }) => closed));
  });
});
