import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface NodeRelease {
  readonly path: string;
  readonly version: string;
}

const majorMin = 20;

/** That of the tests, and whatever other major versions this machine has that the package knows. */
export function nodeReleases(): NodeRelease[] {
  const places = (process.env.PATH ?? '').split(delimiter).map((place) => join(place, 'node'));
  const found = new Map<number, NodeRelease>();
  for (const path of [process.execPath, ...places.filter(existsSync)]) {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
    const major = Number(/^v(\d+)/.exec(version)?.[1]);
    if (major >= majorMin && !found.has(major)) found.set(major, { path, version });
  }
  return [...found.values()];
}
