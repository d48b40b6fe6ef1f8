import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dropReasons } from '../src/counters.ts';
import { type Settings, settle } from '../src/options.ts';

const root = new URL('../../..', import.meta.url).pathname;
const read = (file: string) => readFileSync(`${root}${file}`, 'utf8');

/** The rows of the table that has this in its head, as the text of their cells. */
function table(text: string, head: string): string[][] {
  const block = text.split('\n\n').find((each) => each.startsWith(`| ${head}`));
  const [, , ...rows] = block?.trim().split('\n') ?? [];
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const camelCase = (name: string) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const names = (cell = '') => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

describe('the README beside the specification', () => {
  const specified = table(read('docs/specs/client.md'), 'option').flatMap(([option, env]) =>
    names(option).map((name) => ({
      option: camelCase(name),
      env: names(env).filter((each) => each.includes('TELEMETRY_') || each.startsWith('OTEL_')),
    })),
  );
  const documented = table(read('clients/typescript/README.md'), 'Option').map(
    ([option, env, otherwise]) => ({ option: names(option)[0] ?? '', env: names(env), otherwise }),
  );

  it('lists every option with its variables; beside them there are two', () => {
    expect(specified.length).toBeGreaterThan(10);
    const listed = documented.map(({ option, env }) => ({ option, env }));
    for (const each of specified) expect(listed).toContainEqual(each);
    const own = listed.filter(({ option }) => !specified.some((each) => each.option === option));
    expect(own.map(({ option }) => option)).toEqual(['tls', 'logger']);
  });

  it('gives the defaults that there are', () => {
    const defaults = settle({}, {}, 'spool');
    for (const { option, otherwise = '' } of documented) {
      const value = defaults[option as keyof Settings];
      if (['string', 'number', 'boolean'].includes(typeof value)) {
        expect(otherwise.replaceAll('`', ''), option).toBe(String(value));
      }
    }
  });
});

describe('the environment', () => {
  it.each<[string, string, keyof Settings, unknown]>([
    ['TELEMETRY_URL', 'http://x:1/', 'url', 'http://x:1'],
    ['TELEMETRY_ENABLED', 'Off', 'enabled', false],
    ['TELEMETRY_ENABLED', 'yes', 'enabled', true],
    ['TELEMETRY_TOKEN', 't', 'headers', { authorization: 'Bearer t' }],
    ['OTEL_SERVICE_NAME', 's', 'serviceName', 's'],
    ['TELEMETRY_SERVICE_NAME', 's', 'serviceName', 's'],
    ['TELEMETRY_TRANSPORT', 'grpc', 'transport', 'grpc'],
    ['TELEMETRY_TRANSPORT', 'pigeon', 'transport', 'http'],
    ['TELEMETRY_FALLBACK', 'stdout', 'fallback', 'stdout'],
    ['TELEMETRY_SPOOL_DIRECTORY', '/s', 'spoolDirectory', '/s'],
  ])('%s=%s', (name, text, setting, value) => {
    expect(settle({}, { [name]: text }, 'spool')[setting]).toEqual(value);
  });
});

it('the reasons for drops are those of the specification', () => {
  const clause = /^6\.1 .*$/m.exec(read('docs/specs/client.md'))?.[0] ?? '';
  const reasons = names(clause.split('by reason:')[1]);
  expect([...dropReasons]).toEqual(reasons);
});
