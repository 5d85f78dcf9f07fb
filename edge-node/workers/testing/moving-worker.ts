import { type AddressInfo, createServer } from 'node:net';
import type { PlaceId } from '../../../shared/ids.ts';
import type { Connection } from '../../delivery/sessions.ts';
import { SupervisorLink } from '../supervisor-link.ts';

/**
 * A worker but for all that it serves, for tests: it sends each connection to its supervisor, tells on stdout its port
 * and process and each that it sends, and ends when it is told to stop or its supervisor is gone.
 */
const link = new SupervisorLink();
const server = createServer((socket) => {
  void link.move(1 as PlaceId, { socket } as unknown as Connection);
  process.stdout.write('sent\n');
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port} ${process.pid}\n`);
});
await link.stopped;
process.stdout.write('stopped\n');
await new Promise((closed) => server.close(closed));
process.stdout.write('closed\n');
process.exit();
