import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { type Installed, installPackage, root } from './support/installed.ts';
import { nodeReleases } from './support/nodes.ts';

let installed: Installed;
let collector: TestCollector;
beforeAll(async () => {
  collector = await startCollector();
  installed = await installPackage();
}, 180_000);
afterAll(() => collector.stop());

const write = (name: string, text: string) => writeFileSync(join(installed.directory, name), text);
const readmePrograms = () =>
  [
    ...readFileSync(join(root, 'clients/typescript/README.md'), 'utf8').matchAll(
      /```ts\n(.*?)```/gs,
    ),
  ]
    .map(([, code = '']) => code)
    .filter((code) => code.includes('import '));

/** As strictly as TypeScript can, with the types of Node from where the tests have them. */
const check = (file: string, module: string) =>
  installed.run('tsc', [
    ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', module],
    ...['--target', 'es2022', '--lib', 'es2022,dom,esnext.disposable', '--types', 'node'],
    ...['--ignoreConfig', '--typeRoots', join(root, 'node_modules/@types'), file],
  ]);

it('holds what it needs and nothing else', async () => {
  const list = await installed.run('tar', ['--list', '--file', installed.tarball]);
  const files = list.trim().split('\n');
  const kinds = new Set(files.map((file) => file.replace(/^package\//, '').split('/')[0]));
  expect([...kinds].sort()).toEqual(['LICENSE', 'README.md', 'dist', 'gen', 'package.json']);
  expect(files.filter((file) => !/\.(js|d\.ts|md|json)$|LICENSE$/.test(file))).toEqual([]);
  const manifest = JSON.parse(
    readFileSync(
      join(installed.directory, 'node_modules/gravitas-telemetry-client/package.json'),
      'utf8',
    ),
  );
  expect(manifest).toMatchObject({ version: expect.stringMatching(/^\d/), license: 'Apache-2.0' });
});

it('is what bundlers and compilers expect: publint, attw', async () => {
  expect(await installed.run('publint', ['--strict', installed.tarball])).toContain('All good!');
  await installed.run('attw', ['--profile', 'node16', installed.tarball]);
}, 60_000);

const program = `
  import { QueryError, Telemetry, telemetry, type Counters, type FlushResult } from 'gravitas-telemetry-client';
  import pinoTransport from 'gravitas-telemetry-client/pino';
  interface Vram { gpu_id: number; total_vram_gb?: number }
  const vram: Vram = { gpu_id: 0 };
  const taken: boolean = telemetry.log('A', { component: 'c', value: 1, metadata: { a: [1] } });
  telemetry.log('A', { metadata: vram });
  telemetry.logUsage('m', 'L1', 1, 2, 3, { metadata: vram });
  const own = new Telemetry({ url: 'http://x', tls: { ca: 'c' }, fallback: 'stdout', resource: vram });
  const counters: Counters = own.counters();
  const dropped: number = counters.dropped.queue_full;
  export async function read() {
    const flushed: FlushResult = await own.flush();
    const at: Date | undefined = (await own.listEvents()).events[0]?.timestamp;
    const tokens: number = (await own.getUsageSummary()).totalTokens;
    return { at, flushed, tokens };
  }
  const result: number = own.timer('T', {}, () => 5);
  // @ts-expect-error: a component is text
  telemetry.log('A', { component: 5 });
  // @ts-expect-error: metadata is no text
  telemetry.log('A', { metadata: 'text' });
  // @ts-expect-error: there is no such option
  new Telemetry({ nothing: 1 });
  export { dropped, pinoTransport, QueryError, result, taken };
`;

it.each([
  ['program.mts', 'nodenext'],
  ['program.cts', 'node16'],
  ['program.cts', 'nodenext'],
])(
  'has types that hold in a strict program: %s, %s',
  async (file, module) => {
    write(file, program);
    await check(file, module);
  },
  60_000,
);

describe.each(nodeReleases())('installed, with Node $version', ({ path, version }) => {
  it('sends and reads back', async () => {
    const component = `installed ${version}`;
    const code = `
      import { telemetry } from 'gravitas-telemetry-client';
      telemetry.log('INSTALLED', { component: '${component}', value: 1.5 });
      console.log((await telemetry.flush(10)).delivered);
      const [event] = await telemetry.getRecentEvents(1, '${component}');
      console.log(event.value);
    `;
    const env = {
      TELEMETRY_URL: collector.baseUrl,
      TELEMETRY_SPOOL_DIRECTORY: installed.directory,
    };
    const args = ['--input-type=module', '--eval', code];
    expect(await installed.run(path, args, env)).toBe('1\n1.5\n');
  });

  it('sends where modules are required, as jest does', async () => {
    const code = `
      const { Telemetry, QueryError } = require('gravitas-telemetry-client');
      const transport = require('gravitas-telemetry-client/pino');
      const telemetry = new Telemetry();
      telemetry.log('REQUIRED');
      telemetry.close(10).then(({ delivered }) =>
        console.log(delivered, new QueryError('m').name, typeof transport.default));
    `;
    const env = { TELEMETRY_URL: collector.baseUrl };
    // What is required must not be a module: older releases can't.
    const flags = version.startsWith('v20.') ? [] : ['--no-experimental-require-module'];
    const args = [...flags, '--input-type=commonjs', '--eval', code];
    expect(await installed.run(path, args, env)).toBe('1 QueryError function\n');
  });

  it('has a command', async () => {
    const command = 'node_modules/gravitas-telemetry-client/dist/cli.js';
    expect(await installed.run(path, [command, '--help'])).toContain('replay [--url URL] FILE…');
  });

  it('says which packages gRPC takes where they are missing, and uses HTTP', async () => {
    const code = `
      import { Telemetry } from 'gravitas-telemetry-client';
      const warn = (message) => console.log(message.includes('@connectrpc/connect-node'));
      const telemetry = new Telemetry({ transport: 'grpc', logger: { warn, info: warn } });
      telemetry.log('BY_HTTP');
      console.log((await telemetry.close(10)).delivered);
    `;
    const env = { TELEMETRY_URL: collector.baseUrl };
    const args = ['--input-type=module', '--eval', code];
    expect(await installed.run(path, args, env)).toBe('true\n1\n');
  });
});

it('the program of its page runs, and is checked strictly', async () => {
  const [first = ''] = readmePrograms();
  const code = `const infer = async (prompt: string) => prompt;\nconst prompt = 'p';\n${first}`;
  write('page.mts', `${code}\nconsole.log(answer, (await telemetry.flush(10)).delivered);\n`);
  await check('page.mts', 'nodenext');
  const env = { TELEMETRY_URL: collector.baseUrl };
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-strip-types'];
  expect(await installed.run(process.execPath, [...flags, 'page.mts'], env)).toBe('p 5\n');
}, 60_000);
