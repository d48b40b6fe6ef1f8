import { execFileSync } from 'node:child_process';
import { buildCommonjs } from '../../scripts/commonjs.ts';

/** Builds the package, once for all tests: some of them run it as its users do. */
export default async function build(): Promise<void> {
  const directory = new URL('../..', import.meta.url).pathname;
  const root = new URL('../../../..', import.meta.url).pathname;
  execFileSync(`${root}node_modules/.bin/tsc`, ['--project', directory], { stdio: 'inherit' });
  await buildCommonjs();
}
