import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { median } from './statistics.ts';

const root = new URL('../../', import.meta.url).pathname;

/** What the figures depend on. A load average that is not about 0 spoils them. */
export function describeMachine() {
  const cpus = os.cpus();
  return {
    processors: cpus.length,
    model: cpus[0]?.model.trim() ?? 'unknown',
    memory_gb: Math.round(os.totalmem() / 1e9),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    fsync_median_ms: fsyncMedianMs(),
    load_average_at_start: os.loadavg()[0] as number,
  };
}

export function describeVersions(serverVersion: string) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    gravitas_telemetry: `${version}${commit()}`,
    node: process.versions.node,
    postgresql: serverVersion,
  };
}

/** The commit that is checked out, marked where files differ from it. */
function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return ` (${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src', 'bench') && '+'})`;
  } catch {
    return '';
  }
}

/** How long the disk takes to make 8 kB durable. */
function fsyncMedianMs(): number {
  const directory = temporaryDirectory();
  const file = openSync(join(directory.path, 'fsync'), 'w');
  const block = Buffer.alloc(8192, 1);
  const times: number[] = [];
  for (let index = 0; index < 50; index++) {
    const startMs = performance.now();
    writeSync(file, block);
    fsyncSync(file);
    times.push(performance.now() - startMs);
  }
  closeSync(file);
  directory.remove();
  return median(times);
}
