import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const root = new URL('../..', import.meta.url).pathname;

/** Builds the dashboard where its sources have changed, as `make start` does. */
export async function buildDashboard(): Promise<void> {
  await promisify(execFile)('make', ['--silent', 'dashboard/dist/index.html'], { cwd: root });
}
