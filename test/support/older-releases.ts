import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ownRoot = new URL('../../', import.meta.url).pathname;

/**
 * The last commit before the tables changed, by what the change was. Kept as files, since not every
 * checkout has the history: `git archive HASH bin src gen/typescript package.json | gzip -9n`.
 */
const archives = {
  /** c0f6c916 */
  'the first release': 'first',
  /** 437f8228 */
  'the release before usage records had prices and ids': 'before-prices',
  /** eaa8b610 */
  'the sweep before it knew of older names': 'before-older-names',
} as const;

export type OlderRelease = keyof typeof archives;

/** Unpacks an older release, which runs on the packages of today. */
export function unpackRelease(release: OlderRelease, directory: string): string {
  const archive = join(import.meta.dirname, `releases/${archives[release]}.tar.gz`);
  execFileSync('tar', ['-xzf', archive], { cwd: directory });
  symlinkSync(join(ownRoot, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}
