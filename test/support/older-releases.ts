import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ownRoot = new URL('../../', import.meta.url).pathname;

/** The last commit before the tables changed, by what the change was. */
const commits = {
  'the first release': 'c0f6c9162bc96352871aaf1063af5d4f3f3b5b22',
  'the release before usage records had prices and ids': '437f822832e89292023a69f38b00607f2088e5ad',
  'the sweep before it knew of older names': 'eaa8b610bdde63c680af682b22773654ef10c9cf',
} as const;

export type OlderRelease = keyof typeof commits;

const git = (args: readonly string[]) =>
  execFileSync('git', args, { cwd: ownRoot, stdio: ['ignore', 'pipe', 'ignore'] });

/** Whether the history at hand has it: that of a shallow clone has none. */
export function isAtHand(release: OlderRelease): boolean {
  try {
    git(['cat-file', '-e', `${commits[release]}^{commit}`]);
    return true;
  } catch {
    return false;
  }
}

/** Those of other tables that are at hand. */
export const olderReleases = (
  ['the first release', 'the release before usage records had prices and ids'] as const
).filter(isAtHand);

/** Unpacks an older release, which runs on the packages of today. */
export function unpackRelease(release: OlderRelease, directory: string): string {
  const archive = join(directory, 'release.tar');
  git(['archive', `--output=${archive}`, commits[release], 'bin', 'gen', 'package.json', 'src']);
  execFileSync('tar', ['-xf', archive], { cwd: directory });
  symlinkSync(join(ownRoot, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}
