import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { getJson, postJson } from '../support/http.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = join(import.meta.dirname, '../..');
const nameOf = (checkout: string) =>
  execFileSync(join(checkout, 'bin/bundle-name'), { encoding: 'utf8' }).trim();

describe('the sources in one file', () => {
  beforeAll(() => {
    execFileSync(process.execPath, [join(root, 'scripts/bundle.ts')], { stdio: 'pipe' });
  }, 60_000);

  it('are what the launcher runs, and store an event and give it back', async () => {
    const collector = await spawnCollector({ DATABASE_URL: '' });
    onTestFinished(() => void collector.end('SIGTERM'));
    const run = readFileSync(`/proc/${collector.process.pid}/cmdline`, 'utf8').split('\0');
    expect(run).toContain(nameOf(root));
    const event = { event_type: 'BUNDLED', component: 'L1', metadata: { gpu_id: 0 } };
    const { status } = await postJson(`${collector.baseUrl}/v1/telemetry/log`, event);
    expect(status).toBe(200);
    const { body } = await getJson(`${collector.baseUrl}/v1/telemetry/events`);
    expect(body).toMatchObject([event]);
    expect((await fetch(`${collector.baseUrl}/metrics`)).status).toBe(200);
  }, 60_000);

  it('have every command', () => {
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [...args, '--help'], { cwd: root, encoding: 'utf8' });
    expect(run(nameOf(root))).toBe(run('--disable-warning=ExperimentalWarning', 'src/main.ts'));
  });
});

describe('the launcher', () => {
  it('runs a bundle of these very sources, and otherwise the sources', () => {
    const { path } = temporaryDirectory();
    for (const folder of ['bin', 'src', 'gen/typescript', 'bundle', 'node_modules/.bin'])
      mkdirSync(join(path, folder), { recursive: true });
    for (const name of ['gravitas-telemetry', 'bundle-name'])
      copyFileSync(join(root, 'bin', name), join(path, 'bin', name));
    symlinkSync(process.execPath, join(path, 'node_modules/.bin/node'));
    const write = (name: string, text: string) => writeFileSync(join(path, name), text);
    write('package.json', '{"type":"module"}');
    write('src/main.ts', "console.log('sources', process.argv.at(-1));");
    const run = () =>
      execFileSync(join(path, 'bin/gravitas-telemetry'), ['serve'], { encoding: 'utf8' }).trim();
    expect(run()).toBe('sources serve');
    writeFileSync(nameOf(path), "console.log('bundle', process.argv.at(-1));");
    expect(run()).toBe('bundle serve');
    write('src/main.ts', "console.log('others', process.argv.at(-1));");
    expect(run()).toBe('others serve');
    write('src/main.ts', "console.log('sources', process.argv.at(-1));");
    expect(run()).toBe('bundle serve');
    write('package.json', '{"type":"module","version":"2.0.0"}');
    expect(run()).toBe('sources serve');
  });
});
