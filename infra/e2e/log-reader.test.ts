import { afterEach, expect, test } from 'vitest';
import { TestService } from './testing/test-service.ts';
import type { TestUser } from './testing/test-user.ts';

/** Sessions that end with a line of over 200 bytes each: more than a pipe and its reader take (64 KiB and 64 KiB). */
const ROUNDS = 100;
/** Others in each round: one user's sessions are limited in rate, and so are their lines. */
const guests = (round: number) => Array.from({ length: 12 }, (_, i) => `guest-${round}-${i}`);

let service: TestService;
afterEach(() => service.close());

test('who does not read the log of an edge node holds up no viewer', async () => {
  service = await TestService.start();
  const edge = await service.startEdge();
  await service.register('viewer');
  edge.process.stopReadingLog();
  const [viewer] = (await service.watch(edge, 'zato01', 'viewer')) as [TestUser];
  for (let round = 0; round < ROUNDS; round += 1) {
    await service.register(...guests(round));
    await service.leave(edge, ...(await service.watch(edge, 'zato01', ...guests(round))));
  }
  service.source.send('zato01', 500);
  await service.eventually(() => viewer.packets).toBe(500);
  expect(viewer.breaks).toBe(0);
}, 400_000);
