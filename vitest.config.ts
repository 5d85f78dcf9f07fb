import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{functions,edge-node,shared,infra}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'infra/docker/lambda-runtime/**'],
    pool: 'forks',
    // Most of a test's time is waiting for sockets, disks and timers, not work: on two cores three files at once take the
    // same CPU and well under half of the time.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['{functions,edge-node,shared}/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**'],
      reporter: ['text', 'html'],
    },
  },
});
