import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';

const main = new URL('../conformance/main.ts', import.meta.url).pathname;

it('says that it needs Go where there is none', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main],
    { env: { PATH: dirname(process.execPath) }, encoding: 'utf8' },
  );
  expect(stderr).toMatch(/^make conformance needs Go: .* Nothing was tested\.\n$/);
  expect(status).toBe(2);
});
