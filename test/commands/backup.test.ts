import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { getJson, postJson } from '../support/http.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
afterAll(() => directory.remove());
const place = (name: string) => join(directory.path, name);
const embedded = (name: string) => ({ DATABASE_URL: '', TELEMETRY_DATA_DIR: place(name) });

it('what is acknowledged before a backup is there when it is restored', async () => {
  const collector = await spawnCollector(embedded('first'));
  const post = (value: number) =>
    postJson(`${collector.baseUrl}/v1/telemetry/log`, { event_type: 'KEPT', value });
  for (let value = 0; value < 20; value++) expect((await post(value)).status).toBe(200);
  const backup = runCommand(['backup', place('backup'), '--json'], embedded('first'));
  let later = 20;
  let running = true;
  backup.finally(() => {
    running = false;
  });
  while (running) await post(later++);
  const { code, stdout, stderr } = await backup;
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ directory: place('backup') });
  await collector.end('SIGTERM');

  const again = await runCommand(['backup', place('backup')], embedded('first'));
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('is not empty')]);
  const over = await runCommand(['restore', place('backup')], embedded('first'));
  expect([over.code, over.stderr]).toEqual([1, expect.stringContaining('is there')]);

  expect(await runCommand(['restore', place('backup')], embedded('second'))).toMatchObject({
    code: 0,
  });
  const restored = await spawnCollector(embedded('second'));
  const { body } = await getJson(`${restored.baseUrl}/v1/telemetry/events?limit=1000&order=oldest`);
  const values = body.map(({ value }: { value: number }) => value).toSorted(byNumber);
  expect(values.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  // Of what came meanwhile, a beginning and nothing twice.
  expect(values).toEqual(Array.from({ length: values.length }, (_, index) => index));
  expect(await restored.end('SIGTERM')).toBe(0);
}, 180_000);

const byNumber = (a: number, b: number) => a - b;

it('what is no complete backup is not restored', async () => {
  mkdirSync(place('nothing'));
  const { code, stderr } = await runCommand(['restore', place('nothing')], embedded('third'));
  expect([code, stderr]).toEqual([1, expect.stringContaining('is no complete backup')]);
});

it('a database of another major version is not passed by', async () => {
  mkdirSync(join(place('older'), 'postgresql-9'), { recursive: true });
  const { code, stderr } = await runCommand(['serve'], embedded('older'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/holds postgresql-9, and this release runs postgresql-\d+/);
  expect(readdirSync(place('older'))).not.toContain('postgresql-18');
});
