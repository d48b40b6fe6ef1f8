import { expect, it } from 'vitest';
import { allowed, isAllowed, npmPackages, refused } from '../scripts/audit/licences.ts';

it.each([
  ['MIT', true],
  ['(Apache-2.0 AND BSD-3-Clause)', true],
  ['GPL-3.0-only OR MIT', true],
  ['MIT AND GPL-3.0-only', false],
  ['GPL-3.0-only', false],
  ['AGPL-3.0-or-later', false],
  ['SSPL-1.0', false],
  ['UNLICENSED', false],
  ['', false],
])('the licence %j is allowed: %s', (expression, isOne) => {
  expect(isAllowed(expression)).toBe(isOne);
});

it('every allowed licence has a reason', () => {
  expect(allowed.filter(({ why }) => why.trim() === '')).toEqual([]);
});

it('a package that names no licence is refused', () => {
  expect(refused([{ name: 'a', licences: [] }])).toHaveLength(1);
  expect(refused([{ name: 'a', licences: ['UNKNOWN', 'MIT License'] }])).toEqual([]);
});

it('the licences of all packages are allowed', () => {
  const packages = npmPackages(new URL('../package-lock.json', import.meta.url).pathname);
  expect(packages.length).toBeGreaterThan(100);
  expect(refused(packages)).toEqual([]);
});
