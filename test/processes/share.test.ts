import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { shareOf } from '../../src/config/share.ts';
import { type Config, optionNames, options } from '../../src/config.ts';
import { testConfig } from '../support/config.ts';

const document = readFileSync(new URL('../../docs/processes.md', import.meta.url), 'utf8');
const parts = (config: Config) =>
  Array.from({ length: config.processes }, (_, at) => shareOf(config, at + 1));
const divided = (config: Config) =>
  optionNames.filter((name) => shareOf(config, 1)[name] !== config[name]);

it('divides what is stated in total, to the last one, and lists what that is', () => {
  const config = testConfig({ TELEMETRY_PROCESSES: '3', TELEMETRY_WRITERS: '7' });
  const names = divided(config).filter((name) => name !== 'shutdownMsMax');
  for (const name of names) {
    const sum = parts(config).reduce((total, part) => total + (part[name] as number), 0);
    expect([name, sum]).toEqual([name, config[name]]);
  }
  const listed = [...document.matchAll(/^\| `(TELEMETRY_[A-Z_]+)` \|/gm)].map(([, name]) => name);
  expect(names.map((name) => options[name].env).toSorted()).toEqual(listed.toSorted());
});

it('leaves each process what it needs, and nothing where there is nothing', () => {
  const config = testConfig({
    TELEMETRY_PROCESSES: '16',
    TELEMETRY_WRITERS: '2',
    TELEMETRY_TAILS_MAX: '0',
    TELEMETRY_SPOOL_BYTES_MAX: '0',
    TELEMETRY_BUFFER_BYTES_MAX: '1048576',
  });
  for (const part of parts(config)) {
    const { writers, queryConnectionsMax, tailsMax, spoolBytesMax, bufferBytesMax } = part;
    expect([writers, queryConnectionsMax, tailsMax, spoolBytesMax]).toEqual([1, 1, 0, 0]);
    expect(bufferBytesMax).toBe(1_048_576);
  }
});

it('gives all to one', () => {
  const config = testConfig({});
  expect(shareOf(config, 1)).toBe(config);
});
