import http from 'node:http';
import http2 from 'node:http2';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { holdTable } from '../support/database.ts';
import { getJson } from '../support/http.ts';
import { insertRandom, randomOf } from './random-records.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector({ TELEMETRY_QUERY_MS_MAX: '6000' });
  await insertRandom(telemetry.database, randomOf(3), 300, 20);
});
afterAll(() => telemetry.stop());

const clients = {
  Connect: () =>
    createClient(
      QueryService,
      createConnectTransport({ baseUrl: telemetry.baseUrl, httpVersion: '1.1', useHttpGet: true }),
    ),
  gRPC: () => createClient(QueryService, createGrpcTransport({ baseUrl: telemetry.baseUrl })),
};

/** Questions that PostgreSQL works on, or waits with, at the moment. */
const working = () =>
  telemetry.database.count(`select count(*) from pg_stat_activity
    where datname = current_database() and application_name = 'gravitas-telemetry reader'
      and state = 'active'`);

/** While somebody holds the table, questions about it wait. */
async function whileHeld(work: () => Promise<void>): Promise<void> {
  const holder = await telemetry.database.pool.connect();
  try {
    await holdTable(holder, 'system_telemetry in access exclusive mode');
    await work();
  } finally {
    await holder.query('rollback');
    holder.release();
  }
}

describe('a question ends in PostgreSQL', () => {
  const leave = {
    Connect: async (signal: AbortSignal) => await clients.Connect().getStats({}, { signal }),
    gRPC: async (signal: AbortSignal) => await clients.gRPC().listEvents({}, { signal }),
    REST: (signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        http.get(`${telemetry.baseUrl}/v1/telemetry/events`, { signal }).on('error', reject).end();
      }),
    'REST over HTTP/2': (signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        const session = http2.connect(telemetry.baseUrl);
        const request = session.request({ ':path': '/v1/telemetry/events' }, { signal });
        request.on('error', reject).once('close', () => session.destroy());
      }),
  };
  it.each(Object.entries(leave))('when its caller leaves: %s', async (_name, ask) => {
    await whileHeld(async () => {
      const left = new AbortController();
      const asked = ask(left.signal).catch(() => 'left');
      await expect.poll(working, { timeout: 3000 }).toBeGreaterThan(0);
      left.abort();
      expect(await asked).toBe('left');
      // Long before it would have taken too long.
      await expect.poll(working, { timeout: 3000 }).toBe(0);
    });
  });

  it('when it takes too long, and says so; more than have a connection wait for their turn', async () => {
    await whileHeld(async () => {
      const asked = Array.from({ length: 12 }, () =>
        clients.gRPC().getStats({}).catch(ConnectError.from),
      );
      const told = (await Promise.all(asked)).map((error) => (error as ConnectError).rawMessage);
      // PostgreSQL gives up on a lock after 5 s; who waits for a connection waits as long as he may.
      const late = told.filter((reason) => !reason.includes('lock timeout'));
      expect(late.length).toBeGreaterThanOrEqual(asked.length - 4);
      for (const reason of late) expect(reason).toMatch(/longer than 6000 ms/);
    });
    await expect.poll(working).toBe(0);
    const panels = Array.from({ length: 24 }, () => clients.Connect().listEvents({ pageSize: 1 }));
    expect(await Promise.all(panels)).toHaveLength(24);
  });
});

describe.each(Object.entries(clients))('by %s', (_name, open) => {
  it('hostile filters are refused by name, or find nothing', async () => {
    const client = open();
    const refused: [string, object][] = [
      ['components', { filter: { components: ['\0'] } }],
      ['components', { filter: { components: new Array(1001).fill('x') } }],
      ['metadata', { filter: { metadata: { a: '\u0000' } } }],
      ['group_by', { groupBy: ['constructor'] }],
      ['group_by', { groupBy: ['component', 'component'] }],
      ['group_by', { groupBy: ["component'; drop table system_telemetry; --"] }],
      ['value', { value: '__proto__' }],
      ['order_by', { groupBy: ['component'], orderBy: 'toString' }],
      ['limit', { groupBy: ['component'], limit: -1 }],
      ['hours', { hours: Number.NaN }],
      ['time_zone', { range: { timeZone: '+05:30' } }],
      ['time_zone', { range: { timeZone: '../../etc/passwd' } }],
      ['period', { range: { period: '2026-W54' } }],
      ['period', { range: { period: 'month', hours: 3 } }],
    ];
    for (const [field, request] of refused) {
      const error = await client.getStats(request).catch(ConnectError.from);
      expect([field, error]).toMatchObject([field, { code: Code.InvalidArgument }]);
      expect((error as ConnectError).rawMessage).toContain(field);
    }
    const harmless = [
      { filter: { components: ["' or true --", '%', '\\', '{}', '"'] } },
      { filter: { metadata: { "a'b": { $gt: 1 }, c: ['%'] } } },
      { filter: { components: ['x'] }, groupBy: ["metadata.a'b; select 1", 'metadata.\\'] },
      { filter: { components: ['x'] }, value: 'metadata.\u{1F4A5}' },
    ];
    for (const request of harmless) {
      expect((await client.getStats(request)).total?.count).toBe(0n);
    }
  });

  it('numbers in metadata beyond doubles cost nobody the answer', async () => {
    await telemetry.database.rows(`
      insert into system_telemetry (event_type, metadata) values
        ('ODD', '{"n": 1e400}'), ('ODD', '{"n": 1e-400}'), ('ODD', '{"n": "x"}'), ('ODD', '[1]'), ('ODD', '2')`);
    const { total } = await open().getStats({
      eventType: 'ODD',
      value: 'metadata.n',
      groupBy: ['metadata.n'],
    });
    expect(Number(total?.values) * 5).toBe(Number(total?.count));
  });

  it.each(['newest', 'oldest'])(
    'deep pages lose and repeat nothing while more is stored: %s',
    async (order) => {
      const client = open();
      const endTime = { seconds: BigInt(Math.floor(Date.now() / 1000) + 1), nanos: 0 };
      const all = await telemetry.database.rows<{ id: string }>(
        `select id from system_telemetry where "timestamp" < to_timestamp($1) order by "timestamp", id`,
        [Number(endTime.seconds)],
      );
      const ids = all.map(({ id }) => id);
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await client.listEvents({
          pageSize: 37,
          pageToken,
          order,
          range: { endTime },
        });
        seen.push(...page.events.map(({ id }) => id));
        pageToken = page.nextPageToken;
        // Into what was read already.
        await telemetry.database.rows(
          `insert into system_telemetry (event_type, "timestamp") values ('MEANWHILE', ${
            order === 'newest' ? 'now()' : `now() - interval '90 days'`
          })`,
        );
      } while (pageToken !== '');
      expect(seen).toEqual(order === 'oldest' ? ids : ids.toReversed());
    },
  );
});

it('lists come in three forms, with the same records', async () => {
  const url = `${telemetry.baseUrl}/v1/telemetry/events?limit=50&event_type=LOAD`;
  const { body } = await getJson(url);
  const lines = await (await fetch(`${url}&format=ndjson`)).text();
  const parsed = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(parsed).toMatchObject(body);
  const response = await fetch(url, { headers: { accept: 'text/csv' } });
  expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
  const rows = (await response.text()).trimEnd().split('\r\n');
  expect(rows).toHaveLength(body.length + 1);
  expect(rows[0]).toBe('event_type,component,value,metadata,status,timestamp,id,observed_at');
  expect((await getJson(`${url}&format=xml`)).body).toMatchObject({ field: 'format' });
});
