import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // What asks for a cluster is run by `make test-citus` alone.
    exclude: ['test/citus/**'],
    include: ['test/**/*.test.ts', 'clients/typescript/test/**/*.test.ts'],
    setupFiles: ['test/support/remove-directories.ts'],
    globalSetup: ['test/support/global-setup.ts', 'clients/typescript/test/support/build.ts'],
    // Two files at a time: most of them share the machine with a PostgreSQL of their own.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
