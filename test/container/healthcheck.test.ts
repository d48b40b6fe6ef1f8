import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { certificateFile, tlsEnvironment } from '../support/certificates.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const program = new URL('../../bin/healthcheck.mjs', import.meta.url).pathname;

const exitCode = (env: Environment) =>
  new Promise<unknown>((resolve) => {
    execFile(process.execPath, [program], { env: { ...process.env, ...env } }, (error) =>
      resolve(error ? error.code : 0),
    );
  });

const environments: Readonly<Record<string, Environment>> = {
  'plain text': {},
  TLS: tlsEnvironment(),
  'TLS with certificates of clients': {
    ...tlsEnvironment(),
    TELEMETRY_TLS_CLIENT_CA_FILE: certificateFile('ca'),
  },
  'TLS with certificates of clients by another authority': {
    ...tlsEnvironment(),
    TELEMETRY_TLS_CLIENT_CA_FILE: certificateFile('other-ca'),
  },
};

let first: TestCollector;
beforeAll(async () => {
  first = await startCollector();
});
afterAll(() => first.stop());

it.each(Object.entries(environments))('a ready collector is well: %s', async (_name, env) => {
  const collector = await startCollector(env, first.database);
  expect(await exitCode({ ...env, TELEMETRY_PORT: String(collector.port) })).toBe(0);
  await collector.stop();
});

it.each(Object.entries(environments))('one that is not there is not: %s', async (_name, env) => {
  expect(await exitCode({ ...env, TELEMETRY_PORT: String(await freePort()) })).toBe(1);
});

it('follows the flags that the collector of a container was started with', async () => {
  const proc = temporaryDirectory().path;
  const port = await freePort();
  mkdirSync(join(proc, '1/task/1'), { recursive: true });
  mkdirSync(join(proc, '7'));
  writeFileSync(join(proc, '1/task/1/children'), '7 ');
  writeFileSync(join(proc, '1/cmdline'), 'docker-init\0--\0bin/gravitas-telemetry\0');
  let main = '/app/bin/../src/main.ts';
  const run = (...flags: string[]) => {
    const args = ['node', '--a-flag', main, 'serve', ...flags];
    writeFileSync(join(proc, '7/cmdline'), `${args.join('\0')}\0`);
    return exitCode({ TELEMETRY_PORT: String(port), HEALTHCHECK_PROC: proc });
  };
  expect(await run()).toBe(1);
  expect(await run('--port', String(first.port), '--host', '0.0.0.0')).toBe(0);
  main = '/app/bundle/4124601443-1713437.cjs';
  expect(await run(`--port=${first.port}`, '--host=127.0.0.1')).toBe(0);
});
