import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { nodeReleases } from './support/nodes.ts';

const root = new URL('../../..', import.meta.url).pathname;
const packageDirectory = join(root, 'clients/typescript');
const manifest = JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8'));

let directory: string;
let tarball: string;
let collector: TestCollector;

async function run(program: string, args: string[], env: Record<string, string> = {}) {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const all = { ...process.env, PATH: path, ...env };
  const { stdout } = await promisify(execFile)(program, args, { cwd: directory, env: all });
  return stdout;
}

/** What the package depends on, from where the tests have it: nothing is downloaded. */
const dependencies = (names: readonly string[]) =>
  names.map((name) => `file:${join(root, 'node_modules', name)}`);

beforeAll(async () => {
  collector = await startCollector();
  directory = temporaryDirectory().path;
  const packed = await run('npm', [
    ...['pack', '--ignore-scripts', '--json', '--pack-destination', directory],
    packageDirectory,
  ]);
  const [{ filename }] = Object.values(JSON.parse(packed)) as [{ filename: string }];
  tarball = join(directory, filename);
  writeFileSync(join(directory, 'package.json'), '{"private": true, "type": "module"}');
  await run('npm', [
    ...['install', '--offline', '--install-links', '--ignore-scripts', '--no-audit', '--no-fund'],
    tarball,
    // split2 is what pino-abstract-transport needs.
    ...dependencies([...Object.keys(manifest.dependencies), 'split2']),
  ]);
}, 120_000);
afterAll(() => collector.stop());

it('holds what it needs and nothing else', async () => {
  const files = (await run('tar', ['--list', '--file', tarball])).trim().split('\n');
  const kinds = new Set(files.map((file) => file.replace(/^package\//, '').split('/')[0]));
  expect([...kinds].sort()).toEqual(['LICENSE', 'README.md', 'dist', 'gen', 'package.json']);
  expect(files.filter((file) => !/\.(js|d\.ts|md|json)$|LICENSE$/.test(file))).toEqual([]);
});

it('is what bundlers and compilers expect: publint, attw', async () => {
  expect(await run('publint', ['--strict', tarball])).toContain('All good!');
  await run('attw', ['--profile', 'esm-only', tarball]);
});

it('has types that hold in a strict program', async () => {
  const program = `
    import { QueryError, Telemetry, telemetry, type Counters } from 'gravitas-telemetry-client';
    import pinoTransport from 'gravitas-telemetry-client/pino';
    const taken: boolean = telemetry.log('A', { component: 'c', value: 1, metadata: { a: [1] } });
    const own = new Telemetry({ url: 'http://x', tls: { ca: 'c' }, fallback: 'stdout' });
    const counters: Counters = own.counters();
    const dropped: number = counters.dropped.queue_full;
    const at: Date | undefined = (await own.listEvents()).events[0]?.timestamp;
    const tokens: number = (await own.getUsageSummary()).totalTokens;
    const result: number = own.timer('T', {}, () => 5);
    // @ts-expect-error: a component is text
    telemetry.log('A', { component: 5 });
    // @ts-expect-error: there is no such option
    new Telemetry({ nothing: 1 });
    export { at, dropped, pinoTransport, QueryError, result, taken, tokens };
  `;
  writeFileSync(join(directory, 'program.ts'), program);
  const lib = 'es2022,dom,esnext.disposable';
  await run('tsc', [
    ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext'],
    ...['--target', 'es2022', '--lib', lib, '--types', 'node', 'program.ts'],
    ...['--typeRoots', join(root, 'node_modules/@types')],
  ]);
}, 60_000);

describe.each(nodeReleases())('installed, with Node $version', ({ path, version }) => {
  it('sends and reads back', async () => {
    const component = `installed ${version}`;
    const program = `
      import { telemetry } from 'gravitas-telemetry-client';
      telemetry.log('INSTALLED', { component: '${component}', value: 1.5 });
      console.log((await telemetry.flush(10)).complete);
      const [event] = await telemetry.getRecentEvents(1, '${component}');
      console.log(event.value);
    `;
    const env = { TELEMETRY_URL: collector.baseUrl, TELEMETRY_SPOOL_DIRECTORY: directory };
    const args = ['--input-type=module', '--eval', program];
    expect(await run(path, args, env)).toBe('true\n1.5\n');
  });

  it('has a command', async () => {
    const command = 'node_modules/gravitas-telemetry-client/dist/cli.js';
    expect(await run(path, [command, '--help'])).toContain('replay [--url URL] FILE…');
  });

  it('says which packages gRPC takes where they are missing, and spools meanwhile', async () => {
    const spool = join(directory, `spool-${version}`);
    mkdirSync(spool);
    const program = `
      import { Telemetry } from 'gravitas-telemetry-client';
      const warn = (message) => console.log(message.includes('@connectrpc/connect-node'));
      const telemetry = new Telemetry({ transport: 'grpc', logger: { warn, info: warn } });
      telemetry.log('SPOOLED');
      await telemetry.close(10);
      console.log(telemetry.counters().spooled);
    `;
    const env = { TELEMETRY_URL: collector.baseUrl, TELEMETRY_SPOOL_DIRECTORY: spool };
    const args = ['--input-type=module', '--eval', program];
    expect(await run(path, args, env)).toBe('true\n1\n');
  });
});
