import { defineConfig } from 'vitest/config';

/** What a Citus cluster is asked, `make test-citus`: CITUS_URL names its coordinator. */
export default defineConfig({
  test: {
    include: [
      'test/{admin,citus,commit,query,retention,rollup}/**/*.test.ts',
      'test/database/{migrate,adoption,under-load}.test.ts',
    ],
    // Tail is refused there; the others are about servers of another kind.
    exclude: ['test/query/{tail,docs}.test.ts'],
    setupFiles: ['test/support/remove-directories.ts'],
    globalSetup: ['test/support/citus-setup.ts'],
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
