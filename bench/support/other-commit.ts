import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';

const root = new URL('../../', import.meta.url).pathname;

/** The files of a commit, ready to run, in a folder that git knows nothing of. */
export interface OtherCommit {
  /** As it was asked for, and its hash. */
  readonly name: string;
  readonly root: string;
  remove(): Promise<void>;
}

/** How git calls a commit; an error where there is none of that name. */
export function commitHash(ref: string): string {
  try {
    return git('rev-parse', '--short', '--verify', '--end-of-options', `${ref}^{commit}`);
  } catch (cause) {
    throw new Error(`--against: there is no commit ${ref} in this repository`, { cause });
  }
}

/** Unpacks a commit and gives it the packages that it asks for: ours where they are the same. */
export async function unpackCommit(ref: string, signal: AbortSignal): Promise<OtherCommit> {
  const hash = commitHash(ref);
  const directory = temporaryDirectory();
  const files = join(directory.path, 'files');
  // What npm is writing when it is ended may come in between.
  const remove = () => rm(directory.path, { recursive: true, force: true, maxRetries: 10 });
  try {
    const archive = join(directory.path, 'files.tar');
    git('archive', '--prefix=files/', '--output', archive, hash);
    execFileSync('tar', ['-xf', archive, '-C', directory.path]);
    await addPackages(files, signal);
    bundle(files);
  } catch (error) {
    await remove();
    throw error;
  }
  return { name: ref === hash ? ref : `${ref} (${hash})`, root: files, remove };
}

/** What users run, where a checkout has it, on either side. */
export function bundle(checkout: string): void {
  const script = join(checkout, 'scripts/bundle.ts');
  if (existsSync(script)) execFileSync(process.execPath, [script], { stdio: ['ignore', 2, 2] });
}

async function addPackages(files: string, signal: AbortSignal): Promise<void> {
  const lock = (folder: string) => readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const ours = join(root, 'node_modules');
  if (existsSync(ours) && lock(files) === lock(root)) {
    symlinkSync(ours, join(files, 'node_modules'));
    return;
  }
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: files,
    stdio: ['ignore', 2, 2],
  });
  const stop = () => npm.kill();
  signal.addEventListener('abort', stop);
  const [code] = await once(npm, 'exit');
  signal.removeEventListener('abort', stop);
  if (code !== 0) throw new Error('npm could not install the packages of the other commit');
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
}
