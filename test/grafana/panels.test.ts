import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { sendDemoData } from '../support/demo-data.ts';

const root = new URL('../..', import.meta.url).pathname;

interface Target {
  readonly rawSql?: string;
  readonly expr?: string;
  readonly datasource: { readonly uid: string };
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets: readonly Target[];
}
interface Variable {
  readonly name: string;
  readonly query: string;
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

const dashboards = globSync(`${root}deploy/grafana/dashboards/*.json`)
  .sort()
  .map((file) => [basename(file), JSON.parse(readFileSync(file, 'utf8')) as Dashboard] as const);
const panels = dashboards.flatMap(([name, { panels }]) =>
  panels.map((panel) => [`${name}: ${panel.title}`, panel] as const),
);
const targets = panels.flatMap(([name, panel]) =>
  panel.targets.map((target) => [name, target] as const),
);

const widths = ['hour', 'day', 'week', 'month'];

/** As Grafana makes SQL of it. */
const expanded = (sql: string, from: Date, to: Date, width: string, zone: string): string =>
  sql
    .replaceAll(
      /\$__timeFilter\(([^)]+)\)/g,
      `$1 between '${from.toISOString()}' and '${to.toISOString()}'`,
    )
    .replaceAll('$__interval', '60s')
    .replaceAll('$width', width)
    .replaceAll('$zone', zone);

let telemetry: TestCollector;
const now = Date.now();
const from = new Date(now - 2 * 86_400_000);
beforeAll(async () => {
  telemetry = await startCollector();
  const { baseUrl, database } = telemetry;
  await sendDemoData(baseUrl, { eventHours: 0.3, usageDays: 2, callsADay: 20 });
  await vi.waitFor(
    async () => {
      const count = (table: string) => database.count(`select count(*) from ${table}`);
      expect(await count('event_rollup_quarter')).toBeGreaterThan(0);
      expect(await count('usage_rollup_quarter')).toBeGreaterThan(0);
      expect(await count('rollup_fresh')).toBe(0);
    },
    { timeout: 60_000, interval: 200 },
  );
  const [, block = ''] = /```sql\n(.*?)```/s.exec(read('docs/grafana.md')) ?? [];
  // Roles are of all databases: one of a name of its own.
  await database.rows(block.replaceAll(/\bgrafana\b/g, role));
}, 120_000);
afterAll(async () => {
  await telemetry?.database.rows(`drop owned by ${role}`);
  await telemetry?.database.rows(`drop role ${role}`);
  await telemetry?.stop();
});

const role = `grafana_${process.pid}`;
const read = (file: string) => readFileSync(`${root}${file}`, 'utf8');

/** Rows as the role gets them that the documentation makes. */
async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const client = await telemetry.database.pool.connect();
  try {
    await client.query(`begin read only; set local role ${role}`);
    return (await client.query(sql)).rows;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

it('read by the same role that role.sql makes, also where there is one already', async () => {
  const { database } = telemetry;
  const [text, other] = [read('deploy/grafana/role.sql'), `${role}_by_file`];
  // What psql itself does.
  const sql = text
    .replace(/^\\getenv password READER_PASSWORD\n/m, '')
    .replace(`:'password'`, `'it''s secret'`)
    .replace(' \\g /dev/null', ';');
  expect(sql).not.toMatch(/\\|:'/);
  const [, block = ''] = /```sql\n(.*?)```/s.exec(read('docs/grafana.md')) ?? [];
  for (const line of block.trim().split('\n').slice(1)) expect(text).toContain(line);
  for (let run = 0; run < 2; run++) await database.rows(sql.replaceAll(/\bgrafana\b/g, other));
  const [made] = await database.rows(
    `select rolcanlogin as login, has_table_privilege('${other}', 'telemetry_events', 'select') as reads,
       has_table_privilege('${other}', 'telemetry_keys', 'select') as keys
     from pg_roles where rolname = '${other}'`,
  );
  expect(made).toEqual({ login: true, reads: true, keys: false });
  await database.rows(`drop owned by ${other}`);
  await database.rows(`drop role ${other}`);
});

describe('the dashboards', () => {
  it('are there, each with panels that have places of their own', () => {
    expect(dashboards.map(([name]) => name)).toEqual([
      'application.json',
      'collector.json',
      'usage.json',
    ]);
    for (const [name, { panels }] of dashboards) {
      const taken = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
      );
      expect([name, taken.length]).toEqual([name, new Set(taken).size]);
      expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    }
  });

  it('ask the data sources that are provisioned', () => {
    const sources = read('deploy/grafana/provisioning/datasources/telemetry.yaml');
    const uids = [...sources.matchAll(/uid: (\S+)/g)].map(([, uid]) => uid);
    expect(new Set(targets.map(([, { datasource }]) => datasource.uid))).toEqual(new Set(uids));
  });

  it('have the widths that date_trunc knows', () => {
    const found = dashboards.flatMap(([, { templating }]) =>
      templating.list.filter(({ name }) => name === 'width').map(({ query }) => query),
    );
    expect(new Set(found)).toEqual(new Set([widths.join(',')]));
  });
});

describe('the SQL of every panel', () => {
  const asked = targets.filter(([, { rawSql }]) => rawSql !== undefined);

  it.each(asked)('%s answers', async (_name, { rawSql = '' }) => {
    expect(rawSql).toContain('$__timeFilter(');
    expect(rawSql).not.toContain('$__timeGroup');
    for (const width of widths) {
      const rows = await ask(expanded(rawSql, from, new Date(now), width, 'Asia/Kathmandu'));
      expect(rows.length).toBeGreaterThan(0);
      // A number at least, in one of the rows.
      const numbers = rows.flatMap(({ time: _, ...row }) => Object.values(row));
      expect(numbers.some((value) => value !== null && Number.isFinite(Number(value)))).toBe(true);
    }
  });

  it('tells quantiles that are those of the rows, within 1 %', async () => {
    const [, target] = asked.find(([name]) => name.endsWith('Latency per token by model')) ?? [];
    const rows = await ask(expanded(target?.rawSql ?? '', from, new Date(now), 'day', 'UTC'));
    // A sketch takes the value of a rank, as percentile_disc does, and not one between two.
    const exact = await telemetry.database.rows<{ component: string; values: number[] }>(
      `select component, array_agg(value order by value) as values from system_telemetry
       where event_type = 'THOUGHT_LATENCY' and value is not null group by component`,
    );
    expect(rows.length).toBe(exact.length);
    for (const { component, values } of exact) {
      const row = rows.find(({ Model }) => Model === component);
      for (const [name, share] of [
        ['p50', 0.5],
        ['p95', 0.95],
      ] as const) {
        const value = values[Math.floor(share * (values.length - 1))] as number;
        const told = Number(row?.[name]);
        expect([component, name, Math.abs(told / value - 1) <= 0.0101]).toEqual([
          component,
          name,
          true,
        ]);
      }
    }
  });
});

it('every metric that panels ask for is one that the collector has', async () => {
  const metrics = await (await fetch(`${telemetry.baseUrl}/metrics`)).text();
  const asked = targets.flatMap(
    ([, { expr = '' }]) => expr.match(/\b(telemetry|process|nodejs)_\w+/g) ?? [],
  );
  expect(asked.length).toBeGreaterThan(10);
  const known = (name: string) =>
    new RegExp(`^# TYPE ${name.replace(/_bucket$/, '')} `, 'm').test(metrics);
  expect(asked.filter((name) => !known(name))).toEqual([]);
});
