import { readFileSync } from 'node:fs';

/** Of this release: the package's, whether it runs from its sources or compiled. */
export const version: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;
