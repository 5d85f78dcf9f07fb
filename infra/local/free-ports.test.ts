import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { assertFree, freePorts, freeUdpPorts } from './free-ports.ts';

const LINUX_RANGE = '/proc/sys/net/ipv4/ip_local_port_range';

test.runIf(process.platform === 'linux')(
  'ports are none that the kernel may give to others meanwhile, and none twice',
  async () => {
    const [first = 0, last = 0] = readFileSync(LINUX_RANGE, 'utf8').split('\t').map(Number);
    const ports = [...(await freePorts(20)), ...(await freeUdpPorts(20))];
    expect(new Set(ports).size).toBe(40);
    expect(ports.filter((port) => port >= first && port <= last)).toEqual([]);
  },
);

test('a port that somebody has is not free', async () => {
  const [port = 0] = await freePorts(1);
  await assertFree(port);
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((listening) => {
    server.listen(port, '127.0.0.1', listening);
  });
  await expect(assertFree(port)).rejects.toThrow(`port ${port} is taken`);
});
