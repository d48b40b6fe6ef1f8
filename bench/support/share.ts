import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How often a share is dealt out: who has had it waits for the next. */
const periodUs = 10_000;
const mount = '/sys/fs/cgroup';
let groups = 0;

/**
 * Holds a process, with all of its threads, to a share of one core, by a control group of its own.
 * Returns what lets go of it again. Throws where no group can be made: it takes root.
 * Source: https://docs.kernel.org/scheduler/sched-bwc.html
 */
export function holdToShare(pid: number, share: number): () => void {
  const isOlder = existsSync(join(mount, 'cpu/cpu.cfs_quota_us'));
  const parent = isOlder ? join(mount, 'cpu') : mount;
  const group = join(parent, `telemetry-bench-${process.pid}-${++groups}`);
  if (!isOlder) allowShares(parent);
  mkdirSync(group);
  const write = (file: string, value: string) => writeFileSync(join(group, file), value);
  const quotaUs = Math.round(share * periodUs);
  if (isOlder) {
    write('cpu.cfs_period_us', String(periodUs));
    write('cpu.cfs_quota_us', String(quotaUs));
  } else write('cpu.max', `${quotaUs} ${periodUs}`);
  write('cgroup.procs', String(pid));
  return () => {
    for (const each of readFileSync(join(group, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter(Boolean)) {
      writeFileSync(join(parent, 'cgroup.procs'), each);
    }
    rmdirSync(group);
  };
}

function allowShares(parent: string): void {
  const file = join(parent, 'cgroup.subtree_control');
  if (!readFileSync(file, 'utf8').split(/\s/).includes('cpu')) writeFileSync(file, '+cpu');
}

/** Why nothing can be held to a share here; undefined where it can. */
export function whyNoShares(): string | undefined {
  try {
    holdToShare(process.pid, 1)();
    return undefined;
  } catch (error) {
    return `no control group could be made: ${(error as Error).message}`;
  }
}
