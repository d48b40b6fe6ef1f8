import { readFileSync } from 'node:fs';

interface Allowed {
  /** By SPDX. */
  readonly licence: string;
  /** Why it may be used. */
  readonly why: string;
  /** What packages of Python also call it. */
  readonly alias?: readonly string[];
}

const file = new URL('licences.json', import.meta.url);
export const allowed: readonly Allowed[] = JSON.parse(readFileSync(file, 'utf8'));

const names = new Set(allowed.flatMap(({ licence, alias = [] }) => [licence, ...alias]));

/** Whether an expression of SPDX names licences that may be used: of alternatives one will do. */
export const isAllowed = (expression: string): boolean =>
  names.has(expression) ||
  expression
    .replace(/[()]/g, '')
    .split(/ OR /i)
    .some((alternative) => alternative.split(/ AND /i).every((name) => names.has(name.trim())));

export interface Licensed {
  readonly name: string;
  /** As its authors say it, in each place where they do. */
  readonly licences: readonly string[];
}

/** The packages none of whose licences may be used, or that name none. */
export const refused = (packages: readonly Licensed[]): readonly Licensed[] =>
  packages.filter(({ licences }) => !licences.some(isAllowed));

/** Every package that the lock file names, those for other platforms too. */
export function npmPackages(lockFile: string): Licensed[] {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8')) as {
    packages: Record<string, { license?: string; version: string }>;
  };
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { license = '', version }]) => ({
      name: `${path.replace(/^.*node_modules\//, '')}@${version}`,
      licences: [license],
    }));
}
