import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { type Installed, installPackage, root } from './support/installed.ts';

/** Bundles for Node, made and run where the optional packages of gRPC are not installed. */
let installed: Installed;
let collector: TestCollector;
beforeAll(async () => {
  collector = await startCollector();
  installed = await installPackage();
  writeFileSync(
    join(installed.directory, 'application.js'),
    `import { Telemetry } from 'gravitas-telemetry-client';
     let warnings = 0;
     const logger = { info: () => {}, warn: () => { warnings += 1; } };
     const telemetry = new Telemetry({ transport: process.env.WAY, logger });
     telemetry.log('BUNDLED');
     telemetry.close(10).then(({ delivered }) => console.log(delivered, warnings));`,
  );
}, 180_000);
afterAll(() => collector.stop());

const input = () => join(installed.directory, 'application.js');

const bundlers: Record<string, (to: string) => Promise<unknown>> = {
  'esbuild, for require': (outfile) =>
    build({ entryPoints: [input()], bundle: true, platform: 'node', format: 'cjs', outfile }),
  'esbuild, for import': (outfile) =>
    build({ entryPoints: [input()], bundle: true, platform: 'node', format: 'esm', outfile }),
  webpack: (to) => {
    const [path, filename] = [join(to, '..'), to.slice(to.lastIndexOf('/') + 1)];
    const options = { mode: 'production', target: 'node', entry: input() } as const;
    return new Promise((resolve, reject) => {
      webpack({ ...options, output: { path, filename } }, (error, stats) => {
        const isFine = !error && stats && !stats.hasErrors() && !stats.hasWarnings();
        if (isFine) resolve(stats);
        else reject(error ?? new Error(String(stats)));
      });
    });
  },
  rolldown: async (file) => {
    const bundle = await rolldown({ input: input(), platform: 'node', cwd: installed.directory });
    await bundle.write({ file, format: 'esm' });
  },
};

describe.each(Object.keys(bundlers))('%s', (name) => {
  const isCommonjs = name === 'webpack' || name.endsWith('require');
  it('builds, and the bundle delivers without the packages of gRPC, and by gRPC with them', async () => {
    // Somewhere else: what is not in the bundle is not there.
    const directory = temporaryDirectory().path;
    const file = join(directory, `bundle.${isCommonjs ? 'cjs' : 'mjs'}`);
    await bundlers[name]?.(file);
    const env = { TELEMETRY_URL: collector.baseUrl };
    const run = (way: string) => installed.run(process.execPath, [file], { ...env, WAY: way });
    expect(await run('http')).toBe('1 0\n');
    expect(await run('grpc')).toBe('1 1\n');
    mkdirSync(join(directory, 'node_modules/@connectrpc'), { recursive: true });
    for (const each of ['@connectrpc/connect', '@connectrpc/connect-node']) {
      symlinkSync(join(root, 'node_modules', each), join(directory, 'node_modules', each));
    }
    expect(await run('grpc')).toBe('1 0\n');
    rmSync(directory, { recursive: true });
  }, 60_000);
});

it('bun runs the package as it is', async () => {
  const env = { TELEMETRY_URL: collector.baseUrl };
  expect(await installed.run('bun', ['application.js'], env)).toBe('1 0\n');
}, 60_000);
