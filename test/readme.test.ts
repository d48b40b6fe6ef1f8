import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from './support/collector.ts';

const root = new URL('..', import.meta.url).pathname;
const readme = readFileSync(`${root}README.md`, 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  );

/** Commands that a test of their own covers: the two for newcomers, and the container. */
const elsewhere = /^(make |docker )/;
const commands = blocks('sh')
  .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
  .filter((line) => line !== '' && !elsewhere.test(line));

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

it('shows commands that work', { timeout: 120_000 }, async () => {
  expect(commands.length).toBeGreaterThan(5);
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    DATABASE_URL: telemetry.database.url,
  };
  const outputs: string[] = [];
  for (const command of commands) {
    const here = command.replace(/(localhost|127\.0\.0\.1):8002/g, `127.0.0.1:${telemetry.port}`);
    const { stdout } = await promisify(execFile)('bash', ['-ec', here], { cwd: root, env });
    outputs.push(stdout);
  }
  const [log = '', events = '', sql = ''] = outputs;
  const [shown = ''] = blocks('json');
  expect(Object.keys(JSON.parse(log))).toEqual(Object.keys(JSON.parse(shown)));
  expect(JSON.parse(log)).toMatchObject({ ...JSON.parse(shown), id: expect.any(String) });
  expect(JSON.parse(events)).toMatchObject([{ event_type: 'VRAM_CHECK', value: 12.5 }]);
  expect(sql).toContain(`'{"gpu_id":0}'`);
});

it('links to files that exist', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
  expect(links.length).toBeGreaterThan(10);
  for (const link of links)
    expect(() => readFileSync(`${root}${link}`), link).not.toThrow(/ENOENT/);
});
