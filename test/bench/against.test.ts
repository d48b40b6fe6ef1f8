import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Report } from '../../bench/report/report.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = new URL('../../', import.meta.url).pathname;
const bench = ['--disable-warning=ExperimentalWarning', join(root, 'bench/main.ts'), '--smoke'];
/** Two collectors with a PostgreSQL each are started, and warmed up; the machine may be busy. */
const timeout = 240_000;
const sizes = ['--rounds', '2', '--rows', '2000', '--only', 'unary'];

let folder: ReturnType<typeof temporaryDirectory>;
let env: NodeJS.ProcessEnv;

function git(...args: string[]): void {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  const cwd = join(folder.path, 'repository');
  execFileSync('git', [...identity, ...args], { cwd, stdio: 'pipe' });
}

/** A repository with a commit whose sources lie elsewhere than ours, and temporary files apart. */
beforeEach(() => {
  folder = temporaryDirectory();
  const files = join(folder.path, 'repository');
  for (const name of ['bin', 'src', 'gen', 'package.json', 'package-lock.json']) {
    cpSync(join(root, name), join(files, name), { recursive: true });
  }
  renameSync(join(files, 'src'), join(files, 'elsewhere'));
  const launcher = join(files, 'bin/gravitas-telemetry');
  const script = readFileSync(launcher, 'utf8');
  writeFileSync(launcher, script.replaceAll('src/main.ts', 'elsewhere/main.ts'));
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'laid out otherwise');
  git('tag', 'older');
  const temporary = join(folder.path, 't');
  mkdirSync(temporary);
  chmodSync(temporary, 0o711);
  env = { ...process.env, GIT_DIR: join(files, '.git'), TMPDIR: temporary };
});
afterEach(() => folder.remove());

/** Whatever of a run is still there: its files, and processes that were started from them. */
function leftovers(): string[] {
  const temporary = env.TMPDIR as string;
  const commands = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    });
  return [...readdirSync(temporary), ...commands.filter((each) => each.includes(temporary))];
}

/** Commits other packages, and puts in place of npm what says how it was called. */
function askForOtherPackages(): void {
  const files = join(folder.path, 'repository');
  const lock = join(files, 'package-lock.json');
  writeFileSync(lock, `${readFileSync(lock, 'utf8')}\n`);
  git('commit', '--quiet', '--all', '--message', 'other packages');
  git('tag', '--force', 'older');
  const bin = join(folder.path, 'bin');
  mkdirSync(bin);
  const script = `#!/bin/sh\necho "$@" > ${folder.path}/npm\nln -s ${root}node_modules node_modules\n`;
  writeFileSync(join(bin, 'npm'), script, { mode: 0o755 });
  env.PATH = `${bin}:${env.PATH}`;
}

it('pairs this checkout with a commit of other packages, laid out otherwise', {
  timeout: 120_000,
}, async () => {
  askForOtherPackages();
  const out = join(folder.path, 'out');
  const args = [...bench, ...sizes, '--against', 'older', '--out', out];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env });
  const [json = ''] = readdirSync(out).filter((name) => name.endsWith('.json'));
  const { sections, against } = JSON.parse(readFileSync(join(out, json), 'utf8')) as Report;
  expect(against?.name).toMatch(/^older \([0-9a-f]{7,}\)$/);
  expect(stdout).toContain(`## This checkout by ${against?.name}`);
  const contestants = sections.flatMap(({ name, summaries }) =>
    summaries.map((summary) => ({ case: name, contestant: summary.name })),
  );
  expect(against?.pairs).toMatchObject(contestants);
  for (const [at, { summaries }] of sections.entries()) {
    const theirs = against?.sections[at]?.summaries ?? [];
    for (const [index, ours] of summaries.entries()) {
      expect(theirs[index]?.samples.map(({ rows }) => rows > 0)).toEqual([true, true]);
      const ratio = against?.pairs.find(({ contestant }) => contestant === ours.name)?.ratios;
      const rounds = ours.samples.map((sample, round) => {
        const other = theirs[index]?.samples[round] ?? { rows: 0, seconds: 0 };
        return sample.rows / sample.seconds / (other.rows / other.seconds);
      });
      expect(ratio?.['rows/s']).toMatchObject({
        min: Math.min(...rounds),
        max: Math.max(...rounds),
      });
    }
  }
  // In turn, and the other way round in the next round.
  const turns = stderr.split('\n').filter((line) => line.includes('/2 '));
  expect(turns[0]).toMatch(/^1\/2 unary/);
  expect(turns[1]).toMatch(/^1\/2 older: unary/);
  expect(turns.at(-2)).toMatch(/^2\/2 older: unary/);
  expect(turns.at(-1)).toMatch(/^2\/2 unary/);
  expect(readFileSync(join(folder.path, 'npm'), 'utf8')).toMatch(/^ci /);
  expect(leftovers()).toEqual([]);
});

it.each(['SIGINT', 'SIGTERM'] as const)(
  'leaves nothing behind after %s',
  { timeout },
  async (signal) => {
    const args = [...bench, ...sizes, '--against', 'older', '--out', join(folder.path, 'out')];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [line] = await once(createInterface({ input: child.stderr }), 'line');
    expect(line).toMatch(/^1\/2 unary/);
    expect(leftovers()).not.toEqual([]);
    const exited = once(child, 'exit');
    child.kill(signal);
    expect(await exited).toEqual([signal === 'SIGINT' ? 130 : 143, null]);
    expect(leftovers()).toEqual([]);
  },
);

it('says that there is no such commit, before anything is measured', async () => {
  const run = promisify(execFile)(process.execPath, [...bench, '--against', 'nowhere'], { env });
  await expect(run).rejects.toThrow('--against: there is no commit nowhere in this repository');
  expect(leftovers()).toEqual([]);
});
