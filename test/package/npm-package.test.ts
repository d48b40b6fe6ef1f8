import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { getJson, postJson } from '../support/http.ts';
import { patient } from '../support/patient.ts';
import { nodeFolder } from '../support/published-node.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = join(import.meta.dirname, '../..');
const directory = temporaryDirectory();
const home = join(directory.path, 'elsewhere');
/** Without anything of this checkout on the way. */
const systemPath = ['/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
let files: readonly string[];

beforeAll(() => {
  const npm = (args: string[], cwd: string) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', directory.path], root));
  files = packed.files.map(({ path }: { path: string }) => path);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"name":"elsewhere","private":true}');
  const tarball = join(directory.path, packed.filename);
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], home);
}, 300_000);
afterAll(() => directory.remove());

describe('the package', () => {
  it('holds what runs, what is to be read, and nothing else', () => {
    const places = /^(LICENSE|NOTICE|README\.md|package\.json|bin|dashboard|dist|docs)(\/|$)/;
    expect(files.filter((file) => !places.test(file))).toEqual([]);
    expect(files.filter((file) => /test|bench|\.ts$/.test(file))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'NOTICE', 'README.md', 'dist/main.js', 'docs/usage.md']),
    );
    expect(manifest).toMatchObject({ license: 'Apache-2.0', version: expect.any(String) });
    expect(manifest).not.toHaveProperty('private');
  });

  it('says where its prices come from', () => {
    const notice = readFileSync(join(home, 'node_modules/gravitas-telemetry/NOTICE'), 'utf8');
    const version = manifest.dependencies['@pydantic/genai-prices'];
    expect(notice.replaceAll(/\s+/g, ' ')).toContain(
      `npm package @pydantic/genai-prices, version ${version} (`,
    );
  });

  it.each([
    ['22', () => nodeFolder('22.23.3')],
    ['24', () => dirname(process.execPath)],
  ])(
    'runs under Node %s, stores an event and gives it back',
    async (release, folder) => {
      const env = {
        PATH: [folder(), systemPath].join(delimiter),
        HOME: directory.path,
        TELEMETRY_PORT: '0',
        TELEMETRY_DATA_DIR: join(directory.path, `data-${release}`),
        ...patient,
      };
      const command = ['npx', '--no-install', 'gravitas-telemetry'] as const;
      const version = execFileSync(command[0], [...command.slice(1), '--version'], {
        cwd: home,
        env,
        encoding: 'utf8',
      });
      expect(version.trim()).toBe(manifest.version);
      expect(execFileSync('node', ['--version'], { env, encoding: 'utf8' })).toMatch(
        `v${release}.`,
      );

      const program = join(home, 'node_modules/.bin/gravitas-telemetry');
      const collector = spawn(program, { cwd: home, env, stdio: ['ignore', 'ignore', 'pipe'] });
      const ended = once(collector, 'exit');
      const logs: string[] = [];
      const baseUrl = await new Promise<string>((resolve, reject) => {
        createInterface({ input: collector.stderr as NodeJS.ReadableStream }).on('line', (line) => {
          logs.push(line);
          const [, url] = /ready: (http:[^"]+)/.exec(line) ?? [];
          if (url) resolve(url);
        });
        ended.then(() => reject(new Error(logs.join('\n'))));
      });
      const event = { event_type: 'VRAM_CHECK', component: 'L1', value: 12.5 };
      expect(await postJson(`${baseUrl}/v1/telemetry/log`, event)).toMatchObject({ status: 200 });
      expect((await getJson(`${baseUrl}/v1/telemetry/events`)).body).toMatchObject([event]);
      // Commands by the database, by the API, with files and without anything.
      const file = join(directory.path, `${release}.parquet`);
      const run = (...args: string[]) =>
        execFileSync(program, args, {
          env: { ...env, TELEMETRY_URL: baseUrl },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        });
      expect(JSON.parse(run('check', '--json'))).toMatchObject({ ok: true });
      expect(JSON.parse(run('keys', 'list', '--json'))).toEqual({ keys: [] });
      run('export', 'events', '--output', file);
      expect(JSON.parse(run('import', file, '--json'))).toMatchObject({ read: 1, known: 1 });
      expect(JSON.parse(run('prices', 'list', '--json')).prices.length).toBeGreaterThan(100);
      expect(run('completion', 'bash')).toContain('complete -o default');
      collector.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(logs.join('\n')).not.toContain('ERR_');
    },
    240_000,
  );
});
