import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { questions } from '../../bench/query/questions.ts';
import type { Client } from '../../src/postgres/client.ts';
import { eventBatch } from '../support/batches.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createCommitter } from '../support/committer.ts';
import { getJson } from '../support/http.ts';

let collector: TestCollector;
beforeAll(async () => {
  collector = await startCollector();
  const { committer, end } = createCommitter(collector.database, 'callers');
  await committer.commit({ id: crypto.randomUUID(), batches: [eventBatch(2000)] });
  await end();
});
afterAll(() => collector.stop());

/** The queries that questions send to the coordinator while something is done. */
async function queriesOf(work: () => Promise<unknown>) {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return query.mock.calls
      .map((call, index) => ({ call: call as unknown[], client: query.mock.contexts[index] }))
      .filter(({ client }) => (client as Client).name === 'gravitas-telemetry reader')
      .map(({ call: [text, values] }) => ({ text: String(text), values: values as unknown[] }))
      .filter(({ text }) => /^\s*(select|with)\b/.test(text));
  } finally {
    query.mockRestore();
  }
}

const isOfRollups = /\b(event|usage)_(rollup_(quarter|hour|day)|series)\b/;

it.for(Object.entries(questions))(
  'are asked of rollups and of workers by different statements: %s',
  async ([, { ask }]) => {
    const queries = await queriesOf(async () => {
      const { status } = await getJson(`${collector.baseUrl}/v1/telemetry/${ask}`);
      expect(status).toBe(200);
    });
    for (const { text, values } of queries.filter((query) => isOfRollups.test(query.text))) {
      const { rows } = await collector.database.pool.query(`explain ${text}`, values);
      expect(JSON.stringify(rows)).not.toContain('Citus');
    }
  },
);
