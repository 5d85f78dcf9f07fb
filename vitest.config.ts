import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{functions,edge-node,shared,infra}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'infra/docker/lambda-runtime/**'],
    pool: 'forks',
    // As many files at once as there are cores, where vitest would leave one core idle: tests wait for sockets, disks and
    // timers more than they work. Not more: those on real engines have limits of seconds to keep.
    maxWorkers: availableParallelism(),
    // They end a test that hangs. What a test waits for itself it is given 60 s for at the most, and says what lacked.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    coverage: {
      include: ['{functions,edge-node,shared}/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**'],
      reporter: ['text', 'html'],
    },
  },
});
