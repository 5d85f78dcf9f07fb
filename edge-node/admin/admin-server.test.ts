import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PROBES } from '../../shared/http/probes.ts';
import { ADMIN_MAX_CONNECTIONS, PROBE_MAX_CONNECTIONS } from '../../shared/limits.ts';
import { EdgeRig } from '../testing/edge-rig.ts';
import { Feed } from '../testing/feed.ts';

/** An answer of the admin port, asked for by a host name of the asker's choice. */
async function ask(rig: EdgeRig, path: string, host = 'localhost') {
  const asked = get(`${rig.origin}${path}`, { headers: { host }, agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

describe('what operators ask', () => {
  it('is answered by a page of metrics for the node and each channel', async () => {
    const rig = await EdgeRig.start();
    const [first, second] = [new Feed('zato01'), new Feed('"\\"')];
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(first.make(30), user);
    rig.source.send(second.make(20));
    await rig.eventually(() => rig.metric('channel_received_packets_total')).toBe(50);
    const { body, headers } = await ask(rig, '/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain; version=0.0.4/);
    expect(body).toContain('\nstreaming_users 1\n');
    expect(body).toContain('\n# TYPE streaming_channel_received_packets_total counter\n');
    expect(body).toContain('\nstreaming_channel_received_packets_total{channel="zato01"} 30\n');
    expect(body).toContain('\nstreaming_channel_received_packets_total{channel="\\"\\\\\\""} 20\n');
    expect(body).toContain('\n# TYPE streaming_channel_watchers gauge\n');
    expect(body).toContain('\nstreaming_channel_watchers{channel="zato01"} 1\n');
    // Each line is a comment or a sample, and no sample is told twice.
    const lines = body.split('\n').slice(0, -1);
    const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples.filter((line) => !/^\w+(\{.*\})? \S+$/.test(line))).toEqual([]);
    const names = samples.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(names.length).toBe(new Set(names).size);
  });

  it('is answered by a status of the node, its channels and its users', async () => {
    const rig = await EdgeRig.start();
    const users = [await rig.watch('user-1', 'zato01'), await rig.watch('user-2', 'zato01')];
    await rig.deliver(new Feed('zato01').make(10), ...users);
    const { body, headers } = await ask(rig, '/status?user=user-2');
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(JSON.parse(body)).toMatchObject({
      accepting: true,
      source: { state: 'connected' },
      store: { answers: true },
      channels: [{ channel: 'zato01', received: 10, watchers: 2 }],
      usersTotal: 2,
      users: [{ user: 'user-2', channel: 'zato01' }],
    });
  });

  it('is refused in the form of all errors', async () => {
    const rig = await EdgeRig.start();
    const { status, body } = await ask(rig, '/nowhere');
    expect([status, JSON.parse(body).code]).toEqual([404, 'not_found']);
  });
});

describe('a web page whose own name resolves to this machine', () => {
  it('learns nothing of users, and whoever checks health or scrapes is answered by any name', async () => {
    const rig = await EdgeRig.start({ ADMIN_ALLOWED_HOSTS: 'edge.example.net, status' });
    await rig.watch('user-1', 'zato01');
    const refused = await ask(rig, '/status', 'evil.example');
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([421, 'misdirected']);
    expect(refused.body).not.toContain('user-1');
    expect((await ask(rig, '/nowhere', 'evil.example')).status).toBe(421);
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await ask(rig, path, 'evil.example:9112')).status).toBe(200);
    for (const host of ['127.0.0.1', 'localhost:9112', 'Edge.example.net', 'status:9112'])
      expect((await ask(rig, '/status', host)).body).toContain('user-1');
  });
});

describe('the operators’ port', () => {
  it('takes no more connections than were set aside for it, and newcomers all the same', async () => {
    const rig = await EdgeRig.start();
    const { port } = new URL(rig.origin);
    const idle = Array.from({ length: 2 * ADMIN_MAX_CONNECTIONS }, () => {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
      onTestFinished(() => void socket.destroy());
      return socket;
    });
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    for (const path of PROBES) expect((await ask(rig, path)).status).toBe(200);
    // Some are turned away, since nobody makes room who has only just come; they are connected before that is known.
    const closed = async () => {
      const name = 'admin_connections_closed_total';
      return (await rig.metric(name, 'made_room')) + (await rig.metric(name, 'turned_away'));
    };
    const kept = ADMIN_MAX_CONNECTIONS + PROBE_MAX_CONNECTIONS;
    await rig.eventually(closed).toBeGreaterThanOrEqual(idle.length - kept);
    expect(await rig.metric('admin_connections')).toBeLessThanOrEqual(ADMIN_MAX_CONNECTIONS);
    // Whoever is silent makes room half a second after it was accepted, and that may be a while ago or not.
    await rig.eventually(async () => (await ask(rig, '/status')).status).toBe(200);
  });
});
