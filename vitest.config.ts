import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{functions,edge-node,shared,infra}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'infra/docker/lambda-runtime/**'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['{functions,edge-node,shared}/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**'],
      reporter: ['text', 'html'],
    },
  },
});
