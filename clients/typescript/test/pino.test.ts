import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Telemetry } from '../src/index.ts';
import { startProgram } from './support/program.ts';

let collector: TestCollector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.stop());

it('records of pino become events, but those of the client itself', async () => {
  const env = {
    TELEMETRY_URL: collector.baseUrl,
    TELEMETRY_SPOOL_DIRECTORY: temporaryDirectory().path,
  };
  expect(await startProgram('pino.mjs', env).ended).toEqual({ code: 0, signal: null });
  await using telemetry = new Telemetry({ url: collector.baseUrl });
  const { events } = await telemetry.listEvents({ component: 'pino-program' });
  const resource = expect.objectContaining({ 'service.name': 'with-pino' });
  expect(
    events.reverse().map(({ eventType, status, value, metadata }) => ({
      eventType,
      status,
      value,
      metadata,
    })),
  ).toEqual([
    {
      eventType: 'APPLICATION_LOG',
      status: 'INFO',
      value: undefined,
      metadata: { message: 'hello', request: 7, resource },
    },
    {
      eventType: 'APPLICATION_LOG',
      status: 'ERROR',
      value: undefined,
      metadata: {
        message: 'as told',
        part: 'child',
        err: expect.objectContaining({ type: 'TypeError', message: 'as told' }),
        resource,
      },
    },
    {
      eventType: 'APPLICATION_LOG',
      status: 'DEBUG',
      value: 2.5,
      metadata: { message: 'measured', resource },
    },
  ]);
});

describe('9 whatever is logged, and however pino is set up, the worker goes on', () => {
  const plain = { nestedKey: undefined, messageKey: undefined };
  it.each([
    [plain, 'isoTime', '', ''],
    [plain, 'isoTime', '', 'in a pipeline'],
    [{ ...plain, nestedKey: 'payload' }, 'unixTime', 'labels', ''],
    [{ messageKey: 'text', nestedKey: 'payload' }, 'isoTime', 'labels', ''],
    [{ ...plain, messageKey: 'text' }, 'nullTime', '', ''],
  ])('%j, %s, %s, %s', async (shape, time, labels, pipeline) => {
    const env = {
      TELEMETRY_URL: collector.baseUrl,
      TELEMETRY_SPOOL_DIRECTORY: temporaryDirectory().path,
      SHAPE: JSON.stringify({ ...shape, base: null }),
      TIME: time,
      LABELS: labels,
      PIPELINE: pipeline,
    };
    const before = Date.now();
    expect(await startProgram('pino-odd.mjs', env).ended).toEqual({ code: 0, signal: null });
    await using telemetry = new Telemetry({ url: collector.baseUrl });
    const { events } = await telemetry.listEvents({
      eventType: 'ODD',
      startTime: new Date(before - 2000),
    });
    const said = events.map(({ metadata }) => (metadata as { message?: unknown }).message);
    expect(said).toEqual(expect.arrayContaining(['fine', 'odd', 'deep', 'as told', 'last']));
    const fine = events.find(({ metadata }) => metadata?.message === 'fine');
    expect(fine).toMatchObject({ status: 'INFO', value: 1.5, metadata: { own: 'kept' } });
    expect(events.find(({ metadata }) => metadata?.message === 'last')?.status).toBe('ERROR');
    await collector.database.rows(`delete from system_telemetry where event_type = 'ODD'`);
  });
});
