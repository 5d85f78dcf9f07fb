import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HTTP_PIPELINE_MAX_REQUESTS } from '../limits.ts';
import { Client, GET, listening, until } from './testing/http-rig.ts';

describe('requests that come without awaiting answers', () => {
  it('are answered one at a time and in order, and others get their turns between them', async () => {
    const order: string[] = [];
    let underWay = 0;
    const { port } = await listening({
      handler: async ({ url = '' }, response) => {
        if (url !== '/other') underWay += 1;
        expect(underWay).toBeLessThanOrEqual(1);
        await new Promise(setImmediate);
        if (url !== '/other') underWay -= 1;
        order.push(url);
        response.end(url);
      },
    });
    const other = new Client(port);
    await once(other.socket, 'connect');
    const paths = Array.from({ length: 100 }, (_, i) => `/${i}`);
    const client = new Client(port).send(...paths.map(GET));
    other.send(GET('/other'));
    await until(() => client.statuses.length === 100 && other.statuses.length === 1);
    expect(order.filter((path) => path !== '/other')).toEqual(paths);
    expect(order.indexOf('/other')).toBeLessThan(90);
  });

  it('are not read while one waits for another', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { port } = await listening({
      handler: async ({ url }, response) => {
        await released;
        response.end(url);
      },
    });
    let parsed = 0;
    const count = () => {
      parsed += 1;
    };
    channel('http.server.request.start').subscribe(count);
    onTestFinished(() => void channel('http.server.request.start').unsubscribe(count));
    // Together far more than one read takes, and fewer than may wait.
    const large = `GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(15_000)}\r\n\r\n`;
    const client = new Client(port).send(large.repeat(80));
    await until(() => parsed > 1);
    const bystander = new Client(port).send('garbage\r\n\r\n');
    await bystander.closed;
    expect(parsed).toBeLessThan(20);
    release();
    await until(() => client.statuses.length === 80);
  });

  it('end their connection where too many wait, and it alone', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { port, listener, logged } = await listening({
      handler: async ({ url }, response) => {
        await released;
        response.end(url);
      },
    });
    const patient = new Client(port).send(GET('/patient'));
    const flooding = new Client(port).send(GET('/').repeat(HTTP_PIPELINE_MAX_REQUESTS + 2));
    await flooding.closed;
    expect(flooding.received).toBe('');
    expect(listener.counts.flooding).toBe(1);
    expect(logged).toEqual([
      'closed an HTTP connection that sent requests without awaiting answers',
    ]);
    release();
    await until(() => patient.statuses.length === 1);
  });
});
