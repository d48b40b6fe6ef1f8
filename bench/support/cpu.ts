import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts processor time in these, whatever its own clock does. */
const ticksPerSecond = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly ownTicks: number;
  /** Of children that have ended and were waited for. */
  readonly endedTicks: number;
}

/** Processor seconds of one process, all of its threads included; NaN where there is no /proc. */
export function cpuSeconds(pid: number): number {
  return (readTimes(pid)?.ownTicks ?? Number.NaN) / ticksPerSecond;
}

/**
 * Processor seconds of a process and its children, those that have ended meanwhile included:
 * of PostgreSQL, when given its postmaster.
 */
export function cpuSecondsOfTree(pid: number): number {
  for (;;) {
    const before = readTimes(pid);
    if (!before) return Number.NaN;
    let ticks = before.ownTicks + before.endedTicks;
    for (const child of childrenOf(pid)) ticks += readTimes(child)?.ownTicks ?? 0;
    // A child that ended in between would count twice, or not at all.
    if (readTimes(pid)?.endedTicks === before.endedTicks) return ticks / ticksPerSecond;
  }
}

/** The same with all that have come of it. */
export function cpuSecondsOfDescendants(pid: number): number {
  const processes = processIds().map((id) => ({ id, times: readTimes(id) }));
  const of = (id: number): number => {
    const times = processes.find((each) => each.id === id)?.times;
    const own = times ? times.ownTicks + times.endedTicks : 0;
    const children = processes.filter((each) => each.times?.parent === id);
    return children.reduce((sum, child) => sum + of(child.id), own);
  };
  return of(pid) / ticksPerSecond;
}

export function childrenOf(pid: number): number[] {
  return processIds().filter((each) => readTimes(each)?.parent === pid);
}

const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Resident memory in bytes; NaN where there is no /proc. */
export function residentBytes(pid: number): number {
  const status = readProc(pid, 'status');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** Fields: https://www.kernel.org/doc/html/latest/filesystems/proc.html, table 1-4 */
function readTimes(pid: number): ProcessTimes | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === '') return undefined;
  // The name before the parenthesis may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    parent: field(4),
    ownTicks: field(14) + field(15),
    endedTicks: field(16) + field(17),
  };
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
