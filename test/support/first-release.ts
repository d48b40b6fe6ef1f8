import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ownRoot = new URL('../../', import.meta.url).pathname;
/** The last commit before the tables changed for the first time. */
const commit = 'c0f6c9162bc96352871aaf1063af5d4f3f3b5b22';

const git = (args: readonly string[]) =>
  execFileSync('git', args, { cwd: ownRoot, stdio: ['ignore', 'pipe', 'ignore'] });

/** Whether the history is there, which has the first release. */
export const hasFirstRelease = (() => {
  try {
    git(['cat-file', '-e', `${commit}^{commit}`]);
    return true;
  } catch {
    return false;
  }
})();

/** Unpacks the first release, which runs on the packages of today. */
export function unpackFirstRelease(directory: string): string {
  const archive = join(directory, 'first-release.tar');
  git(['archive', `--output=${archive}`, commit, 'bin', 'gen', 'package.json', 'src']);
  execFileSync('tar', ['-xf', archive], { cwd: directory });
  symlinkSync(join(ownRoot, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}
