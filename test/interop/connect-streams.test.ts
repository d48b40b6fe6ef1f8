import { PassThrough } from 'node:stream';
import { Code, createClient } from '@connectrpc/connect';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { connectClientKinds } from './connect-clients.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

const values = async (type: string, component: string) => {
  const query =
    'select value from system_telemetry where event_type = $1 and component = $2 order by 1';
  const rows = await telemetry.database.rows<{ value: number }>(query, [type, component]);
  return rows.map((row) => row.value);
};

const canStream = connectClientKinds.filter(({ streams }) => streams !== 'none');
describe.each(canStream)('$name', ({ name: component, transport }) => {
  it('streams batches and gets one summary', async () => {
    const ingest = createClient(IngestService, transport(telemetry.baseUrl));
    const batchId = uuidv7();
    async function* batches() {
      for (const value of [0, 1, 2]) {
        const events = [{ eventType: 'STREAM', component, value }, { component }];
        yield { events, usage: [{ model: component }] };
      }
      for (let times = 0; times < 2; times++) yield { batchId, events: [{ eventType: 'TWICE' }] };
    }
    const summary = await ingest.streamEvents(batches());
    expect(summary).toMatchObject({
      batches: 5n,
      duplicateBatches: 1n,
      events: 5n,
      usage: 3n,
      rejected: 3n,
    });
    expect(summary.rejections).toHaveLength(3);
    expect(await values('STREAM', component)).toEqual([0, 1, 2]);
  });
});

const canTakeTurns = connectClientKinds.filter(({ streams }) => streams === 'both');
describe.each(canTakeTurns)('$name', ({ name: component, transport }) => {
  it('sends a batch, has its acknowledgement, and then sends the next', async () => {
    const ingest = createClient(IngestService, transport(telemetry.baseUrl));
    const batchId = uuidv7();
    const batch = (id: string, value: number) => ({
      batchId: id,
      events: [{ eventType: 'TURN', component, value }],
    });
    const turns = [batch(batchId, 0), batch(batchId, 1), batch('not an id', 2), batch('', 3)];
    const requests = new PassThrough({ objectMode: true });
    const takeTurn = () => {
      const turn = turns.shift();
      if (turn) requests.write(turn);
      else requests.end();
    };
    takeTurn();
    const answers = [];
    for await (const answer of ingest.streamBatches(requests)) {
      answers.push(answer);
      takeTurn();
    }
    expect(answers).toMatchObject([
      { sequence: 0n, ack: { batchId, events: 1 } },
      { sequence: 1n, error: { batchId, code: Code.AlreadyExists } },
      { sequence: 2n, error: { batchId: 'not an id', code: Code.InvalidArgument } },
      { sequence: 3n, ack: { events: 1 } },
    ]);
    expect(await values('TURN', component)).toEqual([0, 3]);
  });
});
