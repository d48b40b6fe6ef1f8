import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A program of a Python package, in an environment of its own; undefined where it can't be had:
 * tests are skipped then, and counted.
 */
export function pythonTool(name: string, requirement: string): string | undefined {
  const folder = join(tmpdir(), `telemetry-test-${requirement.replaceAll('=', '-')}`);
  const program = join(folder, 'bin', name);
  try {
    if (!existsSync(program)) {
      execFileSync('python3', ['-m', 'venv', folder], { stdio: 'pipe' });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement];
      execFileSync(join(folder, 'bin/python'), pip, { stdio: 'pipe' });
    }
    return program;
  } catch {
    console.warn(`no ${name} to be had by pip: its tests are skipped`);
    return undefined;
  }
}
