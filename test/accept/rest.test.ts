import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';

describe('the RFC and the deployed clients', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  it('stores the event of the RFC and answers 200', async () => {
    const { status, body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, {
      event_type: 'VRAM_CHECK',
      component: 'L1',
      value: 12.5,
      metadata: { gpu_id: 0, total_vram_gb: 24.0, used_vram_gb: 11.5 },
      status: 'OK',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, message: 'event stored' });
    const rows = await telemetry.database.rows('select * from system_telemetry where id = $1', [
      body.id,
    ]);
    expect(rows).toMatchObject([
      {
        event_type: 'VRAM_CHECK',
        component: 'L1',
        value: 12.5,
        metadata: { gpu_id: 0, total_vram_gb: 24, used_vram_gb: 11.5 },
        status: 'OK',
      },
    ]);
  });

  it('gives events back as a bare array, newest first, with nulls where nothing was given', async () => {
    const event = {
      event_type: 'NULLS',
      component: null,
      value: null,
      metadata: null,
      status: null,
    };
    const posted = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, event);
    const { status, body } = await getJson(
      `${telemetry.baseUrl}/v1/telemetry/events?limit=10&component=&event_type=NULLS&hours=`,
    );
    expect(status).toBe(200);
    expect(body).toEqual([
      {
        id: posted.body.id,
        event_type: 'NULLS',
        component: null,
        value: null,
        metadata: {},
        status: null,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
      },
    ]);
  });
});
