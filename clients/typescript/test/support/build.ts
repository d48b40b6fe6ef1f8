import { execFileSync } from 'node:child_process';

/** Builds the package, once for all tests: some of them run it as its users do. */
export default function build(): void {
  const directory = new URL('../..', import.meta.url).pathname;
  const root = new URL('../../../..', import.meta.url).pathname;
  execFileSync(`${root}node_modules/.bin/tsc`, ['--project', directory], { stdio: 'inherit' });
}
