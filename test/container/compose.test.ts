import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(`${root}compose.yaml`, 'utf8');

/** The lines below a key, which is named with the keys above it. */
function section(...path: string[]): string {
  return path.reduce((above, key, depth) => {
    const indent = ' '.repeat(2 * depth);
    const found = new RegExp(`^${indent}${key}:\\n((?:${indent} +.*\\n|\\n)+)`, 'm').exec(above);
    if (!found?.[1]) throw new Error(`compose.yaml: no ${path.slice(0, depth + 1).join('.')}`);
    return found[1];
  }, text);
}

describe('compose.yaml', () => {
  const telemetry = section('services', 'gravitas-telemetry');
  const postgres = section('services', 'postgres');

  it('is indented by spaces, with each key once in its section', () => {
    expect(text).not.toContain('\t');
    for (const part of [telemetry, postgres]) {
      const keys = [...part.matchAll(/^ {4}([a-z_]+):/gm)].map(([, key]) => key);
      expect(keys).toEqual([...new Set(keys)]);
    }
  });

  it('has the service under the name and at the port that the RFC says', () => {
    expect(section('services', 'gravitas-telemetry', 'ports')).toContain(':8002:8002"');
  });

  it('has it also where the application looks for it', () => {
    const [aliases, ports] = ['networks', 'ports'].map((key) =>
      section('services', 'gravitas-telemetry', key),
    );
    expect(aliases).toMatch(/default:\n\s+aliases:\n\s+- gravitas_telemetry\n/);
    expect(ports).toContain(':8006:8002"');
  });

  it('gives it a database that answers before it starts', () => {
    expect(section('services', 'gravitas-telemetry', 'depends_on', 'postgres')).toContain(
      'condition: service_healthy',
    );
    expect(section('services', 'postgres', 'healthcheck')).toContain('pg_isready');
    const setting = (name: string) => new RegExp(`${name}: (\\S+)`).exec(postgres)?.[1] as string;
    const [user, password, database] = ['USER', 'PASSWORD', 'DB'].map((name) =>
      setting(`POSTGRES_${name}`),
    );
    const url = `postgresql://${user}:${password}@postgres:5432/${database}`;
    expect(section('services', 'gravitas-telemetry', 'environment')).toContain(
      `DATABASE_URL: ${url}\n`,
    );
    expect(readConfig({ DATABASE_URL: url }, {}).databaseUrl).toBe(url);
  });

  it('keeps the data of PostgreSQL 18 where its image has them', () => {
    expect(postgres).toContain('image: postgres:18\n');
    expect(section('services', 'postgres', 'volumes')).toMatch(
      /- postgres-data:\/var\/lib\/postgresql\n/,
    );
  });

  it('lets the collector take the time that stopping may need', () => {
    const seconds = Number(/stop_grace_period: (\d+)s/.exec(telemetry)?.[1]);
    expect(seconds * 1000).toBeGreaterThan(readConfig({}, {}).shutdownMsMax);
  });

  it('has Prometheus and Grafana as a profile, of files that are there', () => {
    for (const name of ['prometheus', 'grafana', 'grafana-role']) {
      const service = section('services', name);
      expect(service).toContain('profiles: ["monitoring"]\n');
      for (const [, file = ''] of service.matchAll(/^ +- \.\/(\S+):\/\S+:ro$/gm)) {
        expect([file, existsSync(`${root}${file}`)]).toEqual([file, true]);
      }
      for (const [, port = ''] of service.matchAll(/^ +- "(.*):\d+:\d+"$/gm)) {
        expect(port).toBe('127.0.0.1');
      }
    }
    for (const service of [telemetry, postgres]) expect(service).not.toContain('profiles:');
  });

  it('needs no variable, whichever of its services are started', () => {
    const variables = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)];
    expect(variables.length).toBeGreaterThan(0);
    for (const [, name, otherwise] of variables)
      expect([name, otherwise]).toEqual([name, expect.stringMatching(/^:-/)]);
  });

  it('bounds the memory of every service that stays', () => {
    for (const name of ['gravitas-telemetry', 'postgres', 'prometheus', 'grafana']) {
      expect(section('services', name, 'deploy', 'resources', 'limits')).toMatch(
        /memory: \d+[MG]\n/,
      );
    }
  });
});
