import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { postJson } from '../support/http.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const mebibyte = 1024 * 1024;
const launcher = new URL('../../bin/gravitas-telemetry', import.meta.url).pathname;

/** Where the kernel lets us limit memory: version 1 or 2; undefined where it does not. */
function createCgroup(bytes: number): string | undefined {
  const name = `telemetry-test-${process.pid}`;
  const versions = [
    { folder: '/sys/fs/cgroup/memory', file: 'memory.limit_in_bytes' },
    { folder: '/sys/fs/cgroup', file: 'memory.max' },
  ];
  for (const { folder, file } of versions) {
    const group = join(folder, name);
    try {
      mkdirSync(group);
      if (existsSync(join(group, file))) {
        writeFileSync(join(group, file), String(bytes));
        return group;
      }
      rmdirSync(group);
    } catch {
      // Not ours to change.
    }
  }
  console.warn('no cgroup can be made here: its test is skipped');
  return undefined;
}

const cgroup = createCgroup(256 * mebibyte);

describe.runIf(cgroup)('in a cgroup of 256 MiB, with the embedded PostgreSQL', () => {
  it('stores six posts of 5,000 rows at a time, or puts them off, and lives', async () => {
    const root = temporaryDirectory().path;
    mkdirSync(join(root, 'bin'));
    const inside = join(root, 'bin/gravitas-telemetry');
    writeFileSync(inside, `#!/bin/sh\necho $$ > ${cgroup}/cgroup.procs\nexec ${launcher} "$@"\n`);
    chmodSync(inside, 0o755);
    const collector = await spawnCollector({ DATABASE_URL: '' }, [], { root });
    const starting = collector.logs.map((line) => JSON.parse(line)).find(({ config }) => config);
    expect(starting.config).toMatchObject({
      memoryBytesMax: 256 * mebibyte,
      bufferBytesMax: 16 * mebibyte,
    });
    const events = Array.from({ length: 5000 }, (_, index) => ({
      event_type: 'LOADED',
      component: `component-${index % 10}`,
      value: index,
      metadata: { position: index, text: 'x'.repeat(50) },
    }));
    for (let round = 0; round < 3; round++) {
      const posts = Array.from({ length: 6 }, () =>
        postJson(`${collector.baseUrl}/v1/telemetry/batch`, { events }),
      );
      for (const { status } of await Promise.all(posts)) expect([200, 503]).toContain(status);
    }
    expect(collector.process.exitCode).toBeNull();
    expect(await collector.end('SIGTERM')).toBe(0);
    const files = ['memory.oom_control', 'memory.events'].map((name) => join(`${cgroup}`, name));
    const [killed] = files.filter(existsSync).map((file) => readFileSync(file, 'utf8'));
    expect(killed).toMatch(/oom_kill 0/);
    rmdirSync(cgroup as string);
  }, 120_000);
});

it('with less it does not start, and says how much it needs', async () => {
  const env = { TELEMETRY_MEMORY_BYTES_MAX: '200000000', TELEMETRY_LOG_FORMAT: 'json' };
  const { code, stderr } = await runCommand(['serve'], { DATABASE_URL: '', ...env });
  expect(code).toBe(1);
  expect(stderr).toContain('190 MiB of memory are too little: at least 256 MiB are needed');
});
