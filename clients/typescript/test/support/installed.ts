import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';

export const root = new URL('../../../..', import.meta.url).pathname;
const source = 'clients/typescript';
const manifest = JSON.parse(readFileSync(join(root, source, 'package.json'), 'utf8'));

/** An application's folder, with the package that `make packages` makes of a fresh clone. */
export interface Installed {
  readonly directory: string;
  readonly tarball: string;
  /** Runs a program there; gives what it prints. */
  run(program: string, args: string[], env?: Record<string, string>): Promise<string>;
}

export async function installPackage(): Promise<Installed> {
  const tarball = await makePackage();
  const directory = temporaryDirectory().path;
  writeFileSync(join(directory, 'package.json'), '{"private": true, "type": "module"}');
  // What it depends on comes from where the tests have it: nothing is downloaded.
  const names = [...Object.keys(manifest.dependencies), 'split2'];
  const dependencies = names.map((name) => `file:${join(root, 'node_modules', name)}`);
  const flags = ['--offline', '--install-links', '--ignore-scripts', '--no-audit', '--no-fund'];
  await runIn(directory, 'npm', ['install', ...flags, tarball, ...dependencies]);
  return { directory, tarball, run: (...args) => runIn(directory, ...args) };
}

/** In a copy of what a clone has, where nothing was built yet. */
async function makePackage(): Promise<string> {
  const clone = temporaryDirectory().path;
  for (const name of ['Makefile', '.npmrc', 'package.json']) {
    cpSync(join(root, name), join(clone, name));
  }
  mkdirSync(join(clone, source), { recursive: true });
  const unbuilt = readdirSync(join(root, source)).filter((name) => name !== 'dist');
  for (const name of unbuilt) {
    cpSync(join(root, source, name), join(clone, source, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  await runIn(clone, 'make', ['--old-file', 'node_modules/.installed', 'package-npm']);
  const [name = ''] = readdirSync(join(clone, 'dist'));
  return join(clone, 'dist', name);
}

async function runIn(
  directory: string,
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const all = { ...process.env, PATH: path, ...env };
  const { stdout } = await promisify(execFile)(program, args, { cwd: directory, env: all });
  return stdout;
}
