import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';

const spooledMsMax = 3000;
const prlimit = '/usr/bin/prlimit';

/** Linux alone lets one process limit another. */
export const canLimitFileSize = existsSync(prlimit);

/** Segments in a spool directory and in those of further processes in it, oldest first in each. */
export function segmentsIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return filesIn(directory)
    .filter((path) => path.endsWith('.log'))
    .sort();
}

/** Paths from there on. */
const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' });

/** The segments that were set aside. */
export function setAsideIn(directory: string): Set<string> {
  const suffix = '.damaged';
  const names = filesIn(directory).filter((path) => path.endsWith(suffix));
  return new Set(names.map((name) => name.slice(0, -suffix.length)));
}

/** Waits until something is in the spool. */
export async function untilSpooled(directory: string): Promise<void> {
  const isFilled = () =>
    segmentsIn(directory).some((name) => {
      const stat = statSync(join(directory, name), { throwIfNoEntry: false });
      return stat !== undefined && stat.size > 0;
    });
  for (let waitedMs = 0; waitedMs < spooledMsMax && !isFilled(); waitedMs += 20) await sleep(20);
}

/**
 * Leaves behind the newest segment what a crash or a bad disk can: never in place of what was
 * acknowledged, which no single disk could give back. Returns the segment, where there is one.
 */
export function damageNewestSegment(directory: string, random: Random): string | undefined {
  const name = segmentsIn(directory).findLast((each) => statSync(join(directory, each)).size > 64);
  if (!name) return undefined;
  const path = join(directory, name);
  const bytes = readFileSync(path);
  const record = Buffer.from(bytes.subarray(0, 12 + bytes.readUInt32BE(4)));
  const flipped = Buffer.from(record);
  const at = random.between(12, flipped.length - 1);
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random.between(0, 7)), at);
  const torn = record.subarray(0, random.between(1, record.length - 1));
  const noise = Buffer.from(
    Array.from({ length: random.between(1, 200) }, () => random.between(0, 255)),
  );
  appendFileSync(path, random.pick([torn, flipped, noise, Buffer.alloc(random.between(1, 8192))]));
  return name;
}

/** Takes the directory away, so that nothing can be created in it, until the returned function is called. */
export function hideSpool(directory: string): () => void {
  const hidden = `${directory}.hidden`;
  renameSync(directory, hidden);
  return () => renameSync(hidden, directory);
}

/** Makes writes of processes fail past so many bytes of a file, until the returned function is called. */
export function limitFileSize(pids: readonly number[], bytes: number): () => void {
  const limit = (max: string) => {
    for (const pid of pids) execFileSync(prlimit, [`--pid=${pid}`, `--fsize=${max}:`]);
  };
  limit(String(bytes));
  return () => limit('unlimited');
}
