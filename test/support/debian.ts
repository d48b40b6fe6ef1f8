import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export interface Installed {
  readonly program: string;
  /** Of libraries beside those of the system. */
  readonly libraries?: string;
}

/**
 * A program of this machine, or else the one of its Debian, unpacked without being installed.
 * Undefined where there is neither; tests are skipped then, and counted.
 */
export function debianProgram(path: string, packages: readonly string[]): Installed | undefined {
  const name = basename(path);
  const places = ['/usr/sbin', '/usr/bin', '/opt/homebrew/bin'].map((place) => join(place, name));
  const program = places.find(existsSync);
  return program === undefined ? unpack(name, path, packages) : { program };
}

function unpack(name: string, path: string, packages: readonly string[]): Installed | undefined {
  // Where whoever the database server runs as can run it.
  const cache = join(tmpdir(), `telemetry-test-${name}`);
  const program = join(cache, path);
  try {
    if (!existsSync(program)) {
      mkdirSync(cache, { recursive: true });
      execFileSync('apt-get', ['download', ...packages], { cwd: cache, stdio: 'ignore' });
      for (const file of globSync('*.deb', { cwd: cache })) {
        execFileSync('dpkg', ['-x', join(cache, file), cache]);
      }
    }
  } catch {
    console.warn(`no ${name} here, and none to be had by apt-get: its tests are skipped`);
    return undefined;
  }
  const [libraries = ''] = globSync('usr/lib/*-linux-gnu*', { cwd: cache });
  return { program, libraries: join(cache, libraries) };
}

/** What a program needs of its environment. */
export const environmentOf = ({ libraries }: Installed): NodeJS.ProcessEnv => ({
  ...process.env,
  ...(libraries && { LD_LIBRARY_PATH: libraries }),
});
