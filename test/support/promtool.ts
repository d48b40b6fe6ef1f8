import { execFileSync } from 'node:child_process';
import { debianProgram, environmentOf } from './debian.ts';

const installed = debianProgram('/usr/bin/promtool', ['prometheus']);

/** Whether Prometheus' own checks can be had. */
export const hasPromtool = installed !== undefined;

/** What promtool says; throws where it finds something wrong. */
export function promtool(args: readonly string[], input = ''): string {
  if (!installed) throw new Error('there is no promtool');
  const env = environmentOf(installed);
  return execFileSync(installed.program, args, { input, env, encoding: 'utf8', stdio: 'pipe' });
}
