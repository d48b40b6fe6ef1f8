import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { batchAgeMsMax } from '../../clients/typescript/src/node/spool-directory.ts';
import { optionNames, options } from '../../src/config.ts';
import { expectedNames } from '../../src/database/expected-tables.ts';
import { batchIdAgeMsMax } from '../../src/database/ledger-span.ts';
import { dayMs, mebibyte } from '../../src/units.ts';

const page = readFileSync(new URL('../../docs/retention.md', import.meta.url), 'utf8');
const [, section = ''] = page.split('\n## What is kept\n');
const rows = (section.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );

it('says for how long what is kept, as the options have it', () => {
  const defaults = new Map(optionNames.map((name) => [`\`${options[name].env}\``, options[name]]));
  const kept = rows.filter(([, , option]) => option !== '' && !/_ADOPTED/.test(option ?? ''));
  expect(kept.length).toBeGreaterThan(8);
  for (const [what, howLong = '', option = ''] of kept) {
    const value = Number(defaults.get(option)?.default);
    const [said, unit] = /_BYTES_/.test(option) ? [value / mebibyte, 'MiB'] : [value, 'days'];
    expect(howLong.replace(/, and one$/, ''), what).toBe(`${said} ${unit}`);
  }
  const named = new Set(rows.map(([, , option]) => option));
  const ages = [...defaults.keys()].filter((name) => /_RETENTION_.*_DAYS/.test(name));
  for (const name of ages) expect(named).toContain(name);
});

it('says for how long batch ids are known', () => {
  const [, howLong] = rows.find(([what]) => what === '`batch_ledger`') ?? [];
  expect(howLong).toBe(`${batchIdAgeMsMax / dayMs} days, and one`);
});

it('says for how long clients keep what they could not send', () => {
  const [, howLong] = rows.find(([what]) => what === 'the spool of a client') ?? [];
  expect(howLong).toBe(`${batchAgeMsMax / dayMs} days`);
});

it('has every table', () => {
  const names = rows.flatMap(([what = '']) => [...what.matchAll(/`([^`]+)`/g)]);
  const patterns = names.map(([, name = '']) => new RegExp(`^${name.replace('…', '.+')}$`));
  const missing = expectedNames.filter((name) => !patterns.some((pattern) => pattern.test(name)));
  expect(missing).toEqual([]);
});
