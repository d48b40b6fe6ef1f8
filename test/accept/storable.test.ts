import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';
import { metric } from '../support/metrics.ts';

describe('text that PostgreSQL cannot hold', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const changed = () => metric(telemetry.baseUrl, 'telemetry_strings_made_storable_total');
  const row = async (id: string) => {
    const select =
      'select event_type, component, metadata, status from system_telemetry where id = $1';
    const [found] = await telemetry.database.rows(select, [id]);
    return found;
  };

  it('is made storable and counted when it comes as JSON', async () => {
    const before = await changed();
    // JSON text: these escapes are read by the collector.
    const { status, body } = await postJson(
      `${telemetry.baseUrl}/v1/telemetry/log`,
      String.raw`{
        "event_type": "A\u0000B",
        "component": "half \ud83d",
        "status": "\udE00",
        "metadata": {
          "k\u0000": "\u0000",
          "half": ["\ud83d", "\ude00\ud83d"],
          "whole": "\ud83d\ude00 \\ud83d \\u0000"
        }
      }`,
    );
    expect(status).toBe(200);
    expect(await row(body.id)).toEqual({
      event_type: 'A\uFFFDB',
      component: 'half \uFFFD',
      status: '\uFFFD',
      metadata: {
        'k\uFFFD': '\uFFFD',
        half: ['\uFFFD', '\uFFFD\uFFFD'],
        whole: String.raw`😀 \ud83d \u0000`,
      },
    });
    // Halves are counted one by one, NULs by string.
    expect((await changed()) - before).toBe(3 + 5);
  });

  it('is made storable and counted when it comes as protobuf', async () => {
    const before = await changed();
    const ingest = createClient(IngestService, createGrpcTransport({ baseUrl: telemetry.baseUrl }));
    const { id } = await ingest.log({
      eventType: '\0',
      component: 'as it is: \uFFFD',
      metadata: { 'k\0': ['\0', 'fine'] },
    });
    expect(await row(id)).toMatchObject({
      event_type: '\uFFFD',
      component: 'as it is: \uFFFD',
      metadata: { 'k\uFFFD': ['\uFFFD', 'fine'] },
    });
    expect((await changed()) - before).toBe(3);
  });

  it('is made storable in usage and in whole batches', async () => {
    const before = await changed();
    const { body } = await postJson(
      `${telemetry.baseUrl}/v1/telemetry/batch`,
      String.raw`{"events": [{"event_type": "\u0000"}], "usage": [{"model": "\udfff", "ghost_id": "\u0000"}]}`,
    );
    expect(body).toMatchObject({ events: 1, usage: 1 });
    expect(await telemetry.database.rows('select model, ghost_id from usage_stats')).toEqual([
      { model: '\uFFFD', ghost_id: '\uFFFD' },
    ]);
    expect((await changed()) - before).toBe(3);
  });
});
