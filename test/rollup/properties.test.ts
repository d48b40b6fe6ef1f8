import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { type EncodedBatch, encodeBatch } from '../../src/accept/encode-batch.ts';
import { Audit } from '../../src/admin/audit.ts';
import { erase } from '../../src/admin/erase.ts';
import { reprice } from '../../src/admin/reprice.ts';
import { replayDeadLetter } from '../../src/commit/dead-letters.ts';
import { Writer } from '../../src/commit/writer.ts';
import { adoptLegacyRows } from '../../src/database/adoption.ts';
import { dataTables } from '../../src/database/expected-tables.ts';
import { ensureArchivePartition } from '../../src/database/partitions.ts';
import { OwnPricesFile } from '../../src/prices/own-file.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { mergeNoted, settle } from '../../src/rollup/merge.ts';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { repair } from '../../src/rollup/repair.ts';
import { verify } from '../../src/rollup/verify.ts';
import { encodeOptions } from '../records/generators.ts';
import { createCommitter, type TestCommitter } from '../support/committer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { olderSweep } from '../support/older-sweep.ts';
import { onCluster } from '../support/on-cluster.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { compare } from './raw.ts';
import { expectUsageExact } from './usage-raw.ts';

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

const hourMs = 3_600_000;
/** What a constraint refuses, for as long as it is there. */
const refused = 13;

let database: TestDatabase;
let collectors: TestCommitter[];
let work: ReturnType<typeof rollupWork>;
let open: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  collectors = [
    createCommitter(database, 'callers'),
    createCommitter(database, 'callers'),
    createCommitter(database, 'spool'),
  ];
  work = rollupWork(database);
  for (const table of dataTables)
    await ensureArchivePartition(work.db, table, Date.now() - 500 * hourMs);
  open = new pg.Client({ connectionString: database.url });
  await open.connect();
});
afterAll(async () => {
  await Promise.all([...collectors, work, open].map((each) => each.end()));
  await database.drop();
});

const number = fc.oneof(
  fc.integer({ min: -3, max: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1e300, -1e300, 5e-324, 0),
);
const few = (names: readonly string[]) => fc.constantFrom('', ...names);
const ago = fc.constantFrom(0, 0.2, 1, 30, 400);
const event = fc.record({
  event_type: fc.constantFrom('A', 'B'),
  component: few(['c', 'd']),
  status: few(['OK', 'BAD']),
  value: fc.option(number),
  metadata: fc.constantFrom({}, { tokens_generated: 3.7, total_tokens: 9 }, { user_id: 'u' }),
  ago,
});
const usage = fc.record({
  model: fc.constantFrom('gpt-5', 'unheard-of'),
  layer: few(['L1', 'L2']),
  team: few(['t']),
  user: few(['u']),
  response: few(['r1', 'r2', 'r3', 'r4']),
  tokens: fc.integer({ min: 0, max: 50 }),
  duration: fc.option(number.map(Math.abs)),
  first: fc.option(fc.integer({ min: 0, max: 30 })),
  cost: fc.option(fc.constantFrom(0.1, 1e-20, 123_456_789.25)),
  status: few(['OK', 'ERROR']),
  ago,
});
type Event = Of<typeof event>;
type Usage = Of<typeof usage>;

const at = (hours: number) => timestampFromMs(Date.now() - hours * hourMs);

const batchOf = (events: readonly Event[], calls: readonly Usage[]): EncodedBatch =>
  encodeBatch(
    {
      batchId: uuidv7(),
      events: events.map(({ event_type, component, status, value, metadata, ago: hours }) =>
        create(EventSchema, {
          eventType: event_type,
          component,
          status,
          metadata,
          timestamp: at(hours),
          ...(value !== null && { value }),
        }),
      ),
      usage: calls.map((each) =>
        create(UsageSchema, {
          model: each.model,
          layer: each.layer,
          team: each.team,
          userId: each.user,
          responseId: each.response,
          provider: 'openai',
          inputTokens: BigInt(each.tokens),
          status: each.status,
          timestamp: at(each.ago),
          ...(each.duration !== null && { durationMs: each.duration }),
          ...(each.first !== null && { timeToFirstTokenMs: each.first }),
          ...(each.cost !== null && { costUsd: each.cost }),
        }),
      ),
    },
    encodeOptions,
  );

/** As older services of both generations, and a collector of the release before, which know nothing of rollups. */
const insert = async (
  client: Pick<pg.Client, 'query'>,
  events: readonly Event[],
  calls: readonly Usage[],
) => {
  for (const { event_type, component, value, metadata, ago: hours } of events) {
    await client.query(
      `insert into system_telemetry (event_type, component, value, metadata, "timestamp")
       values ($1, nullif($2, ''), $3, $4, now() - $5 * interval '1 hour')`,
      [event_type, component, value ?? Number.NaN, metadata, hours],
    );
  }
  for (const { model, layer, tokens, duration, ago: hours } of calls) {
    const isSecond = layer === '' && tokens !== refused;
    if (isSecond) {
      await client.query(
        `insert into usage_stats (model_name, tokens_input, tokens_output, cost_usd, "timestamp")
         values ($1, $2, 7, 0.1::float8, now() - $3 * interval '1 hour')`,
        [model, tokens, hours],
      );
      continue;
    }
    await client.query(
      `insert into usage_stats (model, layer, prompt_tokens, duration_ms, cost_usd, "timestamp")
       values ($1, $2, $3, $4, 'NaN', now() - $5 * interval '1 hour')`,
      [model, layer, tokens, duration ?? Number.POSITIVE_INFINITY, hours],
    );
  }
};

let olderTables = 0;
/** Tables of older services, which are adopted. */
async function adopt(events: readonly Event[], calls: readonly Usage[]): Promise<void> {
  const number = ++olderTables;
  const [eventTable, usageTable] = [`older_events_${number}`, `older_usage_${number}`];
  await database.rows(`
    create table ${eventTable} (id serial, event_type text, value float, "timestamp" timestamp);
    create table ${usageTable} (id serial, model_name text, tokens_input int, "timestamp" timestamp);
    insert into adoption (source, target, number) values
      ('${eventTable}', 'system_telemetry', ${number}), ('${usageTable}', 'usage_stats', ${number})`);
  for (const { event_type, value, ago: hours } of events.filter(({ value }) => value !== refused)) {
    await database.rows(
      `insert into ${eventTable} (event_type, value, "timestamp")
       values ($1, $2, (now() - $3 * interval '1 hour') at time zone 'UTC')`,
      [event_type, value, hours],
    );
  }
  for (const { model, tokens, ago: hours } of calls.filter(({ tokens }) => tokens !== refused)) {
    await database.rows(
      `insert into ${usageTable} (model_name, tokens_input, "timestamp")
       values ($1, $2, (now() - $3 * interval '1 hour') at time zone 'UTC')`,
      [model, tokens, hours],
    );
  }
  const never = new AbortController().signal;
  await adoptLegacyRows(work.db, { timeZone: 'UTC', chunkRows: 2 }, silentLogger, never);
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      events: fc.array(event, { maxLength: 4 }),
      calls: fc.array(usage, { maxLength: 4 }),
      collector: fc.nat({ max: 2 }),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('insert' as const, 'held' as const, 'adopt' as const),
      events: fc.array(event, { maxLength: 3 }),
      calls: fc.array(usage, { maxLength: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['fold', 'sweep', 'settle', 'merge', 'repair', 'erase', 'reprice', 'replay'] as const),
        ...(['remove', 'release', 'fold', 'sweep', 'older sweep'] as const),
      ),
    }),
  },
);
type Step = Of<typeof step>;

let isHeld = false;
/** Ends the transaction of somebody else, which may have been open for long. */
async function release(): Promise<void> {
  if (isHeld) await open.query('commit');
  isHeld = false;
}

async function doWork(kind: Step['kind']): Promise<void> {
  switch (kind) {
    case 'fold':
      await work.fold();
      break;
    case 'sweep':
      await work.sweep();
      break;
    case 'older sweep':
      if (!onCluster) await olderSweep(work);
      break;
    case 'settle':
      await database.rows(`update rollup_state set settled_at = settled_at - interval '1 day'
        where settled_at > now() - interval '1 hour'`);
      await settle(work.writer);
      break;
    case 'merge':
      await database.rows(`update rollup_merges set noted_at = noted_at - interval '1 hour'`);
      while (await mergeNoted(work.writer));
      break;
    case 'repair':
      await database.rows(`update rollup_repairs set noted_at = noted_at - interval '1 hour'`);
      for (const series of work.series) while (await repair(work.db, work.writer, series));
      break;
    case 'erase': {
      const audit = new Audit(work.db, silentLogger);
      const subject = { field: 'user_id', value: 'u' } as const;
      await release();
      await erase(new Writer(work.pool), audit, { name: 'test' }, subject, false);
      break;
    }
    case 'reprice': {
      const { prices } = new OwnPricesFile('');
      const options = { since: new Date(Date.now() - 500 * hourMs), dryRun: false };
      await release();
      for await (const _ of reprice(work.db, new Pricer(() => prices), options));
      break;
    }
    case 'replay':
      for (const { id } of await database.rows<{ id: string }>('select id from dead_letters')) {
        await new Writer(work.pool).transaction((trx, client) =>
          replayDeadLetter(trx, client, id, work),
        );
      }
      break;
    case 'remove':
      await release();
      await database.rows(`delete from system_telemetry where component = 'd'`);
      await database.rows(`update usage_stats set prompt_tokens = 1 where layer = 'L1'`);
      await rebuild(work.db, work.writer, work.series, {});
      break;
    default:
      await release();
  }
}

async function take(given: Step): Promise<void> {
  if (!('events' in given)) {
    await doWork(given.kind);
    return;
  }
  const { events, calls } = given;
  if (given.kind === 'insert') await insert(database.pool, events, calls);
  else if (given.kind === 'adopt') await adopt(events, calls);
  else if (given.kind === 'held') {
    if (!isHeld) await open.query('begin');
    isHeld = true;
    await insert(open, events, calls);
  } else if ('collector' in given) {
    const batch = batchOf(events, calls);
    const { committer } = collectors[given.collector] as TestCommitter;
    for (let sent = 0; sent < given.times; sent++) {
      await committer.commit({ id: uuidv7(), batches: [batch, batchOf([], calls)] });
    }
  }
}

async function reset(): Promise<void> {
  await release();
  await database.empty(
    ...['system_telemetry', 'usage_stats', 'call_claims'],
    ...['batch_ledger', 'dead_letters', 'erasures'],
    ...['rollup_fresh', 'rollup_merges', 'rollup_repairs'],
    ...['event_rollup_quarter', 'event_rollup_hour', 'event_rollup_day'],
    ...['usage_rollup_quarter', 'usage_rollup_hour', 'usage_rollup_day'],
  );
}

const differences = async () => (await verify(work.db, {})).differences;

it('are what the rows add up to, whatever happens to these, by whomever, in whatever order', async () => {
  // Dead letters, some rows of a batch at a time.
  await database.rows(
    `alter table system_telemetry add constraint refused check (value <> ${refused})`,
  );
  await database.rows(
    `alter table usage_stats add constraint refused check (prompt_tokens <> ${refused})`,
  );
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 15, maxLength: 25 }),
    async (steps) => {
      await reset();
      for (const each of steps)
        await take(each).catch((error) => {
          // A dead letter that is refused again, or an insert of one.
          if (!/refused/.test(error.message)) throw error;
          if (isHeld) return release();
        });
      expect(await differences()).toEqual([]);
      await release();
      await work.sweep();
      const left = 'select count(*) from usage_stats where tokens_input is not null';
      expect(await database.count(left)).toBe(0);
      while ((await work.fold())?.isPart);
      expect(await differences()).toEqual([]);
      await database.rows(`update rollup_state set settled_at = now() + interval '15 minutes'`);
      for (const kind of ['repair', 'merge'] as const) await doWork(kind);
      await database.rows(
        `update rollup_state set settled_at = date_trunc('hour', now()) - interval '1 day'`,
      );
      expect(await differences()).toEqual([]);
      const { raw, rolled } = await compare(database);
      expect(rolled).toEqual(raw);
      await expectUsageExact(database, ['quarter']);
    },
  );
  await fc.assert(property, { seed: 18, numRuns: 6, endOnFailure: true });
}, 300_000);
