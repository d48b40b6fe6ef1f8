import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDatabase } from '../support/database.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

it('into tables that lie on workers is refused, with what to do instead', async () => {
  const directory = temporaryDirectory();
  const env = { DATABASE_URL: '', TELEMETRY_DATA_DIR: join(directory.path, 'data') };
  await (await spawnCollector(env)).end('SIGTERM');
  const target = await createDatabase();
  const { code, stderr } = await runCommand(['move', '--to', target.url], env);
  await target.drop();
  directory.remove();
  expect(stderr).toContain('--to: its tables lie on the workers of a cluster already: move into');
  expect(code).not.toBe(0);
});
