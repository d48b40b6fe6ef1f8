import { PassThrough } from 'node:stream';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';

describe('streams', () => {
  let telemetry: TestCollector;
  let ingest: ReturnType<typeof createClient<typeof IngestService>>;
  beforeAll(async () => {
    telemetry = await startCollector();
    ingest = createClient(IngestService, createGrpcTransport({ baseUrl: telemetry.baseUrl }));
  });
  afterAll(() => telemetry.stop());

  const stored = (type: string) =>
    telemetry.database.count(`select count(*) from system_telemetry where event_type = '${type}'`);

  async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
    yield* items;
  }

  it('sum up exactly, with the first 100 rejections', async () => {
    const batchId = uuidv7();
    const batches = Array.from({ length: 200 }, (_, batch) => ({
      // Every tenth batch is the same one again.
      batchId: batch % 10 === 0 ? batchId : '',
      events: Array.from({ length: 20 }, (_, index) => ({
        eventType: index < 2 ? '' : 'SUMMED',
        value: index,
      })),
      usage: [{ model: 'summed' }, {}],
    }));
    const summary = await ingest.streamEvents(each(batches));
    expect(summary).toMatchObject({
      batches: 200n,
      duplicateBatches: 19n,
      events: 3600n,
      usage: 200n,
      rejected: 600n,
    });
    expect(summary.rejections).toHaveLength(100);
    expect(summary.rejections.slice(0, 3)).toMatchObject([
      { batchId, index: 0, field: 'event_type' },
      { batchId, index: 1, field: 'event_type' },
      { batchId, index: 1, field: 'model' },
    ]);
    expect(await stored('SUMMED')).toBe(181 * 18);
    expect(await telemetry.database.count('select count(*) from usage_stats')).toBe(181);
  });

  it('of nothing sum up to nothing', async () => {
    expect(await ingest.streamEvents(each([]))).toMatchObject({ batches: 0n, events: 0n });
    for await (const answer of ingest.streamBatches(each([]))) expect.unreachable(String(answer));
  });

  it('for one summary fail with a batch that is refused', async () => {
    const batchId = uuidv7();
    const batches = [
      { batchId, events: [{ eventType: 'FAILING', value: 1 }] },
      { batchId, events: [{ eventType: 'FAILING', value: 2 }] },
    ];
    const conflict = await ingest.streamEvents(each(batches)).catch(ConnectError.from);
    expect(conflict).toMatchObject({ code: Code.AlreadyExists });
    const invalid = await ingest
      .streamEvents(each([{ batchId: 'x', events: [] }]))
      .catch(ConnectError.from);
    expect(invalid).toMatchObject({ code: Code.InvalidArgument });
    expect(await stored('FAILING')).toBe(1);
  });

  it('acknowledge in the order sent, more at a time than may be in flight', async () => {
    const batches = Array.from({ length: 300 }, () => ({
      batchId: uuidv7(),
      events: [{ eventType: 'ORDERED' }],
    }));
    const acknowledged: string[] = [];
    for await (const { sequence, ack } of ingest.streamBatches(each(batches))) {
      expect(sequence).toBe(BigInt(acknowledged.length));
      acknowledged.push(ack?.batchId ?? '');
    }
    expect(acknowledged).toEqual(batches.map(({ batchId }) => batchId));
    expect(await stored('ORDERED')).toBe(300);
  });

  it('that are cancelled leave the collector at work, and what it acknowledged stored', async () => {
    const cancel = new AbortController();
    const { signal } = cancel;
    const summary = ingest.streamEvents(unending('CANCELLED'), { signal }).catch(ConnectError.from);
    const acknowledged = async () => {
      for await (const { ack } of ingest.streamBatches(unending('CANCELLED'), { signal })) {
        expect(ack).toMatchObject({ events: 1 });
        await expect.poll(() => stored('CANCELLED')).toBe(2);
        cancel.abort();
      }
    };
    const canceled = { code: Code.Canceled };
    expect(await acknowledged().catch(ConnectError.from)).toMatchObject(canceled);
    expect(await summary).toMatchObject(canceled);
    expect((await ingest.log({ eventType: 'AFTERWARDS' })).success).toBe(true);
  });

  it('that are past their deadline end then, though nothing more is sent', async () => {
    const requests = unending('LATE');
    const ended = await ingest.streamEvents(requests, { timeoutMs: 200 }).catch(ConnectError.from);
    expect(ended).toMatchObject({ code: Code.DeadlineExceeded });
  });

  /** One batch, and then silence. */
  function unending(eventType: string): PassThrough {
    const requests = new PassThrough({ objectMode: true });
    requests.write({ events: [{ eventType }] });
    return requests;
  }
});
