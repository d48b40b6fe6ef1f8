import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const mebibyte = 1024 * 1024;
const launcher = new URL('../../bin/gravitas-telemetry', import.meta.url).pathname;

/** Where the kernel lets us limit memory: version 1 or 2; undefined where it does not. */
function createCgroup(bytes: number): string | undefined {
  const name = `telemetry-test-${process.pid}-${bytes / mebibyte}`;
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

/** The least that is documented, by what is started. */
const smallest = [
  { what: 'the embedded PostgreSQL', mebibytes: 256, processes: 1, isEmbedded: true },
  { what: 'a PostgreSQL elsewhere', mebibytes: 160, processes: 1, isEmbedded: false },
  { what: 'two processes', mebibytes: 448, processes: 2, isEmbedded: false },
].map((each) => ({ ...each, cgroup: createCgroup(each.mebibytes * mebibyte) }));

describe.each(smallest)('in a cgroup of $mebibytes MiB, with $what', (size) => {
  const { cgroup, mebibytes, processes, isEmbedded } = size;

  it.runIf(cgroup)(
    'stores six posts of 5,000 rows at a time, or puts them off, and lives',
    async () => {
      const root = temporaryDirectory().path;
      mkdirSync(join(root, 'bin'));
      const inside = join(root, 'bin/gravitas-telemetry');
      writeFileSync(inside, `#!/bin/sh\necho $$ > ${cgroup}/cgroup.procs\nexec ${launcher} "$@"\n`);
      chmodSync(inside, 0o755);
      const database = isEmbedded ? undefined : await createDatabase();
      const env = { DATABASE_URL: database?.url ?? '', TELEMETRY_PROCESSES: String(processes) };
      const collector = await spawnCollector(env, [], { root });
      const starting = collector.logs.map((line) => JSON.parse(line)).find(({ config }) => config);
      expect(starting.config).toMatchObject({
        memoryBytesMax: mebibytes * mebibyte,
        bufferBytesMax: (mebibytes * mebibyte) / 16,
      });
      for (let round = 0; round < 3; round++) {
        const posts = Array.from({ length: 6 }, () =>
          postJson(`${collector.baseUrl}/v1/telemetry/batch`, { events }),
        );
        for (const { status } of await Promise.all(posts)) expect([200, 503]).toContain(status);
      }
      expect(collector.process.exitCode).toBeNull();
      expect(await collector.end('SIGTERM')).toBe(0);
      await database?.drop();
      const files = ['memory.oom_control', 'memory.events'].map((name) => join(`${cgroup}`, name));
      const [killed] = files.filter(existsSync).map((file) => readFileSync(file, 'utf8'));
      expect(killed).toMatch(/oom_kill 0/);
      rmdirSync(cgroup as string);
    },
    120_000,
  );
});

const events = Array.from({ length: 5000 }, (_, index) => ({
  event_type: 'LOADED',
  component: `component-${index % 10}`,
  value: index,
  metadata: { position: index, text: 'x'.repeat(50) },
}));

it('with less it does not start, and says how much it needs', async () => {
  const env = { TELEMETRY_MEMORY_BYTES_MAX: '200000000', TELEMETRY_LOG_FORMAT: 'json' };
  const { code, stderr } = await runCommand(['serve'], { DATABASE_URL: '', ...env });
  expect(code).toBe(1);
  expect(stderr).toContain('190 MiB of memory are too little: at least 256 MiB are needed');
});
