import { setTimeout as sleep } from 'node:timers/promises';
import { getJson } from '../support/http.ts';
import { accountOf, imbalance, metric, type TableAccount } from '../support/metrics.ts';
import type { Answer, Deliveries, Delivery } from './deliveries.ts';
import { olderClient, refusedClient } from './faults/tables.ts';
import type { Postgres as Server } from './postgres.ts';
import type { Random } from './random.ts';
import type { Send } from './senders.ts';

/** Who can be asked as superuser. */
export type Postgres = Pick<Server, 'admin'>;

const tables = ['system_telemetry', 'usage_stats'] as const;
const numbersAtATime = 200_000;
const repeatedAtTheEnd = 100;
/** Answers for one batch. */
const spooledMax = 50;

/** What collectors have counted, both tables together. */
export type Accounts = Readonly<Record<keyof TableAccount, number>>;

export const noAccounts: Accounts = {
  received: 0,
  recovered: 0,
  stored: 0,
  duplicate: 0,
  rejected: 0,
  refused: 0,
  dead_lettered: 0,
  pending: 0,
};

export const addAccounts = (some: Accounts, others: Accounts): Accounts => ({
  received: some.received + others.received,
  recovered: some.recovered + others.recovered,
  stored: some.stored + others.stored,
  duplicate: some.duplicate + others.duplicate,
  rejected: some.rejected + others.rejected,
  refused: some.refused + others.refused,
  dead_lettered: some.dead_lettered + others.dead_lettered,
  pending: some.pending + others.pending,
});

/** A look at a running collector's accounts, by table (1.4 of docs/specs/buffer.md). */
export async function audit(baseUrl: string): Promise<{ faults: string[]; accounts: Accounts }> {
  const accounts = await Promise.all(tables.map((table) => accountOf(baseUrl, table)));
  const faults = accounts
    .filter((account) => imbalance(account) !== 0)
    .map((account) => `unbalanced: ${JSON.stringify(account)}`);
  return { faults, accounts: accounts.reduce(addAccounts, noAccounts) };
}

/**
 * Waits until the collector is ready and has settled everything. Throws when that takes too long.
 * What a process holds that is being started is in none of the figures, so all have to be there.
 */
export async function untilSettled(baseUrl: string, deadline: AbortSignal): Promise<void> {
  let missing = '';
  const isSettled = async () => {
    const { status, body } = await getJson(`${baseUrl}/readyz`);
    const areThere = !body.reasons.some((reason: string) => reason.startsWith('processes:'));
    // What lies in segments is accounted for when their turn comes.
    const spoolBytes = await metric(baseUrl, 'telemetry_spool_bytes');
    const accounts = await Promise.all(tables.map((table) => accountOf(baseUrl, table)));
    missing = JSON.stringify([body, spoolBytes, accounts]);
    const isNothingLeft = spoolBytes === 0 && accounts.every(({ pending }) => pending === 0);
    return status === 200 && areThere && isNothingLeft;
  };
  while (!(await isSettled())) {
    if (deadline.aborted) throw new Error(`not recovered in time: ${missing}`);
    await sleep(50);
  }
}

/** Waits for the rows of older tables. */
export async function untilAdopted(postgres: Postgres, deadline: AbortSignal): Promise<void> {
  const unfinished = 'select source, obstacle from adoption where finished_at is null';
  for (;;) {
    const left = await postgres.admin(unfinished);
    if (left.length === 0) return;
    if (deadline.aborted) throw new Error(`not adopted in time: ${JSON.stringify(left)}`);
    await sleep(50);
  }
}

interface Numbers {
  readonly table: string;
  readonly column: string;
  /** Where what was dropped with its table is remembered. */
  readonly kept: string;
}
const eventNumbers = { table: 'system_telemetry', column: 'value', kept: 'chaos.kept_events' };
const usageNumbers = { table: 'usage_stats', column: 'prompt_tokens', kept: 'chaos.kept_usage' };

/** How often each number from 0 to `end` is there: as a row, as a dead letter, or dropped since. */
async function counts(
  postgres: Postgres,
  schema: string,
  { table, column, kept }: Numbers,
  end: number,
): Promise<Uint8Array> {
  const found = new Uint8Array(end);
  const everywhere = [
    `select ${column} as number from ${schema}.${table}`,
    `select (payload->>'${column}')::float8 from ${schema}.dead_letters where table_name = '${table}'`,
    ...(schema === 'public' ? [`select number from ${kept}`] : []),
  ].join(' union all ');
  for (let from = 0; from < end; from += numbersAtATime) {
    const rows = await postgres.admin<{ number: number; count: number }>(
      `select number::int as number, count(*)::int as count from (${everywhere}) as everywhere
        where number >= ${from} and number < ${from + numbersAtATime} group by 1`,
    );
    for (const { number, count } of rows) found[number] = Math.min(count, 255);
  }
  return found;
}

export interface Findings {
  /** Records that were acknowledged and are not there. */
  lost: number;
  /** Records that are there more than once. */
  doubled: number;
  /** Records that are there though their batch was refused for good. */
  unwanted: number;
  /** Batches of which a part is there. */
  divided: number;
}

/** Compares what is stored with what the clients were told. */
export async function compare(
  postgres: Postgres,
  deliveries: Deliveries,
  schema = 'public',
  onLost: (delivery: Delivery) => void = () => {},
): Promise<Findings> {
  const events = await counts(postgres, schema, eventNumbers, deliveries.events);
  const usage = await counts(postgres, schema, usageNumbers, deliveries.usage);
  const findings = { lost: 0, doubled: 0, unwanted: 0, divided: 0 };
  for (const delivery of deliveries.all) {
    const found = countsOf(delivery, events, usage);
    const there = found.filter((count) => count > 0).length;
    findings.doubled += found.filter((count) => count > 1).length;
    if (there > 0 && there < found.length) findings.divided += 1;
    if (delivery.state === 'acknowledged' && there < found.length) {
      findings.lost += found.length - there;
      onLost(delivery);
    }
    if (delivery.state === 'refused') findings.unwanted += there;
  }
  return findings;
}

function countsOf(delivery: Delivery, events: Uint8Array, usage: Uint8Array): number[] {
  const part = (counts: Uint8Array, [first, count]: readonly [number, number]) => [
    ...counts.subarray(first, first + count),
  ];
  return [...part(events, delivery.events), ...part(usage, delivery.usage)];
}

/** Rows that no client has sent, or that nobody should find: of each a line. */
export async function strangers(postgres: Postgres, deliveries: Deliveries): Promise<string[]> {
  const refused = deliveries.all
    .filter(({ client }) => client === refusedClient)
    .map(({ id }) => id);
  const queries = {
    'events of nobody': `select count(*)::int as count from system_telemetry
      where value is null or value < 0 or value >= ${deliveries.events}`,
    'usage records of nobody': `select count(*)::int as count from usage_stats
      where prompt_tokens is null or prompt_tokens < 0 or prompt_tokens >= ${deliveries.usage}`,
    'dead letters': `select count(*)::int as count from dead_letters
      where batch_id <> all('{${refused.join()}}'::uuid[])`,
  };
  const found: string[] = [];
  for (const [what, query] of Object.entries(queries)) {
    const [row] = await postgres.admin<{ count: number }>(query);
    if (row?.count !== 0) found.push(`${what}: ${row?.count}`);
  }
  return found;
}

/** What the ledger says: a collector that is busy spools first, and then can't know yet. */
async function storedAnswer(send: Send, delivery: Delivery): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await send(delivery, 5000);
    if (answer.kind !== 'acknowledged' || !answer.spooled || tries === spooledMax) return answer;
    await sleep(100);
  }
}

/** Sends batches once more that were acknowledged: what the collector did not know again. */
export async function forgotten(
  send: Send,
  deliveries: Deliveries,
  random: Random,
): Promise<string[]> {
  const found: string[] = [];
  const acknowledged = deliveries.in('acknowledged').filter(({ client }) => client !== olderClient);
  for (let count = 0; count < repeatedAtTheEnd; count++) {
    const delivery = random.pick(acknowledged);
    const answer = await storedAnswer(send, delivery);
    if (answer.kind !== 'acknowledged' || !answer.duplicate)
      found.push(`${delivery.client} sent again: ${JSON.stringify(answer)}`);
  }
  return found;
}
