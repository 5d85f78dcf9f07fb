import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../shared/config.ts';
import { compose, ecs, kubernetes, OVERLAYS } from './deployments.ts';
import { read } from './tree.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The parts of the formula in docs/deploy.md, which must say the same. */
const PROCESS_MIB = 256;
const LOG_FACTOR = 1.25;
const USER_KIB = 16;

/** What an edge node takes at the most, all of its users not reading: cgroups charge the kernel's sockets to it, too. */
function neededMib({ EDGE_WORKERS, EDGE_LOG_BYTES, MAX_USERS }: Config, tcpWmem: string): number {
  const socketBytes = Number(tcpWmem.split(' ')[2]);
  const users = MAX_USERS * (socketBytes + USER_KIB * KIB);
  return EDGE_WORKERS * PROCESS_MIB + (LOG_FACTOR * EDGE_LOG_BYTES + users) / MIB;
}

const edgeNodes = [
  compose('edge-node'),
  compose('fleet-edge-node'),
  ...OVERLAYS.map((overlay) => kubernetes('edge-node', overlay)),
  ecs(),
];

describe.each(edgeNodes)('$name', ({ env, tcpWmem, memoryMib }) => {
  const { EDGE_WORKERS, MAX_USERS, EDGE_LOG_BYTES } = env;
  const config = loadConfig({ EDGE_WORKERS, MAX_USERS, EDGE_LOG_BYTES });
  const needed = neededMib(config, tcpWmem ?? '');

  test('has memory for all of its users, though none of them reads', () => {
    expect(MAX_USERS).toBeDefined();
    expect(needed).toBeLessThanOrEqual(memoryMib);
  });

  test('leaves no user out for whom there would be memory', () => {
    expect(needed).toBeGreaterThan(0.9 * memoryMib);
  });
});

test('docs/deploy.md states the formula', () => {
  const formula = `EDGE_WORKERS × ${PROCESS_MIB} MiB + ${LOG_FACTOR} × EDGE_LOG_BYTES + MAX_USERS × (tcp_wmem + ${USER_KIB} KiB)`;
  expect(read('docs/deploy.md')).toContain(formula);
});
