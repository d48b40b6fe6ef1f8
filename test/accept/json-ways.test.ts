import http2 from 'node:http2';
import { gzipSync } from 'node:zlib';
import { uuidv7 } from 'uuidv7';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { postJson } from '../support/http.ts';
import { envelope, ingestPath, openCall, readAnswer } from '../support/raw-call.ts';

let telemetry: TestCollector;
let session: http2.ClientHttp2Session;
beforeAll(async () => {
  telemetry = await startCollector();
  session = http2.connect(telemetry.baseUrl);
});
afterAll(async () => {
  session.destroy();
  await telemetry.stop();
});
afterEach(() => telemetry.database.rows('truncate system_telemetry, usage_stats'));

const batchPath = '/v1/telemetry/batch';
const json = 'application/json';

async function post(path: string, body: BodyInit, headers: Record<string, string>) {
  const answer = await fetch(telemetry.baseUrl + path, { method: 'POST', body, headers });
  return { status: answer.status, text: await answer.text() };
}

/** By HTTP/2, as no library of JSON would write it. */
async function call(path: string, contentType: string, body: Uint8Array) {
  const stream = openCall(session, path, { 'content-type': contentType });
  stream.end(body);
  const { status, body: answer, grpcStatus, grpcMessage } = await readAnswer(stream);
  return { status, text: answer.toString('latin1'), grpcStatus, grpcMessage };
}

const enveloped = (method: string, contentType: string) => (body: string) =>
  call(ingestPath(method), contentType, envelope(Buffer.from(body)));

/** Every way for a batch of JSON to come in. */
const ways: Readonly<Record<string, (body: string) => Promise<{ text: string }>>> = {
  'its plain name': (body) => post(batchPath, body, { 'content-type': json }),
  'its plain name, compressed': (body) =>
    post(batchPath, gzipSync(body), { 'content-type': json, 'content-encoding': 'gzip' }),
  'its plain name over HTTP/2': (body) => call(batchPath, json, Buffer.from(body)),
  Connect: (body) => post(ingestPath('LogBatch'), body, { 'content-type': json }),
  'Connect with a deadline': (body) =>
    post(ingestPath('LogBatch'), body, { 'content-type': json, 'connect-timeout-ms': '9000' }),
  gRPC: enveloped('LogBatch', 'application/grpc+json'),
  'gRPC-Web': enveloped('LogBatch', 'application/grpc-web+json'),
  'a stream of Connect': enveloped('StreamBatches', 'application/connect+json'),
  'a summed up stream of Connect': enveloped('StreamEvents', 'application/connect+json'),
  'a stream of gRPC': enveloped('StreamBatches', 'application/grpc+json'),
  'a stream of gRPC-Web': enveloped('StreamEvents', 'application/grpc-web+json'),
};

describe.each(Object.entries(ways))('a batch of JSON by %s', (_, send) => {
  it('pays for each fault with one record, and keeps the digits of the others', async () => {
    const metadata =
      '{"a": 1, "a": 9007199254740993, "long": 0.12345678901234567890, "😀": "\\ud83d"}';
    const events = [
      `{"event_type": "EXACT", "metadata": ${metadata}}`,
      '{"event_type": "A", "event_type": "B"}',
      '{"event_type": "A", "eventType": "B"}',
      '{"event_type": "A", "metadata": {"load": [1e400]}}',
      '{"event_type": "A", "timestamp": "2026-09-31T10:00:00Z"}',
      '{"event_type": "A", "value": "0x10"}',
      '{"event_type": "TRUE", "value": true, "component": null}',
    ];
    const { text } = await send(`{"unknown": [{"a": {}}], "events": [${events.join()}]}`);
    for (const field of ['event_type', 'eventType', 'metadata.load.0', 'timestamp', 'value']) {
      expect(text).toContain(`"field":"${field}"`);
    }
    const rows = await telemetry.database.rows(
      'select event_type, value, metadata::text from system_telemetry order by event_type',
    );
    expect(rows).toEqual([
      {
        event_type: 'EXACT',
        value: null,
        metadata: '{"a": 9007199254740993, "long": 0.12345678901234567890, "😀": "\ufffd"}',
      },
      { event_type: 'TRUE', value: 1, metadata: null },
    ]);
  });

  it('is refused as a whole where it is no JSON, which is told with the place', async () => {
    const { text, ...answer } = await send('{"events": [{"event_type": "A"},]}');
    const told = `${text} ${'grpcMessage' in answer ? answer.grpcMessage : ''}`;
    expect(told).toContain('the message is not JSON: unexpected ');
    expect(told).toContain(' at byte 32');
    expect(await telemetry.database.count('select count(*) from system_telemetry')).toBe(0);
  });
});

it.each(['application/connect+json', 'application/grpc+json'])(
  'a batch of a stream that has too many records is refused alone: %s',
  async (contentType) => {
    const batchId = uuidv7();
    const tooMany = `{"events":[${Array(10_001).fill('{}')}],"batchId":"${batchId}"}`;
    const fine = ['{"events":[{"event_type":"BEFORE"}]}', '{"events":[{"event_type":"AFTER"}]}'];
    const messages = [fine[0], tooMany, fine[1]].map((text) =>
      envelope(Buffer.from(text as string)),
    );
    const { text } = await call(ingestPath('StreamBatches'), contentType, Buffer.concat(messages));
    expect(text).toContain(batchId);
    expect(text).toContain('the batch has 10001 records; at most 10000 are allowed');
    expect(await telemetry.database.count('select count(*) from system_telemetry')).toBe(2);
  },
);

it.each([json, 'application/x-ndjson'])('has a limit on records: %s', async (contentType) => {
  const records = Array(10_001).fill('{"event_type":"A"}');
  const body = contentType === json ? `[${records}]` : records.join('\n');
  const { status, text } = await post(batchPath, body, { 'content-type': contentType });
  expect(status).toBe(400);
  expect(text).toContain('the batch has 10001 records; at most 10000 are allowed');
});

describe('a list that is a batch', () => {
  it.each([
    ['a bare list', json, '[{"event_type":"A"},{"event_type":"B","value":2}, 7]'],
    ['lines', 'application/x-ndjson', '{"event_type":"A"}\n\n{"event_type":"B","value":2}\n{"a"\n'],
    [
      'lines',
      'Application/X-NDJSON; charset=UTF-8',
      '{"event_type":"A"}\r\n{"event_type":"B"}\r\n[]',
    ],
  ])('of events: %s', async (_, contentType, body) => {
    for (const encoding of [undefined, 'gzip']) {
      const { status, text } = await post(batchPath, encoding ? gzipSync(body) : body, {
        'content-type': contentType,
        ...(encoding && { 'content-encoding': encoding }),
      });
      expect({ status, ...JSON.parse(text) }).toMatchObject({
        status: 200,
        events: 2,
        rejected: 1,
        rejections: [{ kind: 'KIND_EVENT', index: 2 }],
      });
    }
    expect(await telemetry.database.count('select count(*) from system_telemetry')).toBe(4);
  });

  it.each([
    [json, '[{"event_type":"A"},{"event_type":"B"}]'],
    ['application/x-ndjson', '{"event_type":"A"}\n{"event_type":"B"}'],
  ])('may be sent again with an id in its address: %s', async (contentType, body) => {
    const batchId = uuidv7();
    for (const encoding of [undefined, 'gzip']) {
      const { text } = await post(
        `${batchPath}?batch_id=${batchId}`,
        encoding ? gzipSync(body) : body,
        { 'content-type': contentType, ...(encoding && { 'content-encoding': encoding }) },
      );
      const duplicate = encoding !== undefined;
      expect(JSON.parse(text)).toMatchObject({ batch_id: batchId, events: 2, duplicate });
    }
    expect(await telemetry.database.count('select count(*) from system_telemetry')).toBe(2);
    const other = await post(`${batchPath}?batch_id=${batchId}`, '[{"event_type":"C"}]', {
      'content-type': json,
    });
    expect(other.status).toBe(409);
    const wrong = await post(`${batchPath}?batch_id=x`, body, { 'content-type': contentType });
    expect(JSON.parse(wrong.text)).toMatchObject({ field: 'batch_id' });
    const twice = { batch_id: batchId, events: [] };
    expect(
      await postJson(`${telemetry.baseUrl}${batchPath}?batch_id=${batchId}`, twice),
    ).toMatchObject({ status: 400, body: { message: 'batch_id is given twice' } });
  });

  it('is taken where batches are, and nowhere else', async () => {
    const { status } = await post('/v1/telemetry/log', '{"event_type":"A"}\n', {
      'content-type': 'application/x-ndjson',
    });
    expect(status).toBe(415);
    const { status: single } = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, '[]');
    expect(single).toBe(400);
  });
});

it('says that nothing was there, and takes what is empty by intention', async () => {
  const url = telemetry.baseUrl + batchPath;
  for (const body of ['{}', '{"event_type":"A"}', '{"batch_id":""}', '{"events":null}']) {
    expect(await postJson(url, body)).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_argument',
        message: 'the batch has neither events nor usage: nothing is there to store',
        field: 'events',
      },
    });
  }
  for (const body of ['{"events":[]}', '{"usage":[],"events":[]}', '[]']) {
    expect(await postJson(url, body)).toMatchObject({ status: 200, body: { events: 0 } });
  }
});

it('takes what PostgreSQL can keep of numbers, and nothing else', async () => {
  const numbers = [
    '1e308',
    '-1.7976931348623157e308',
    '5e-324',
    '4.9406564584124654e-324',
    '0e400',
  ];
  const odd = ['1E+2', '-0', '-0.0e-0', '0.10', '1e-1074', `1${'0'.repeat(308)}`, '0e60000'];
  const log = (number: string) =>
    postJson(
      `${telemetry.baseUrl}/v1/telemetry/log`,
      `{"event_type":"NUMBER","metadata":{"text":${JSON.stringify(number)},"number":${number}}}`,
    );
  for (const number of [...numbers, ...odd]) {
    expect({ number, ...(await log(number)) }).toMatchObject({ number, status: 200 });
  }
  const same = await telemetry.database.rows(`
    select metadata ->> 'text' as text from system_telemetry
    where (metadata ->> 'text')::numeric = (metadata -> 'number')::numeric`);
  expect(same).toHaveLength(numbers.length + odd.length);
  for (const number of ['1e309', '-1e400', '1e-1075', '0e-9999', '1e99999999999', '0e70000']) {
    const { status, body } = await log(number);
    const field = number === '0e70000' ? 'metadata' : 'metadata.number';
    expect({ number, status, ...body }).toMatchObject({ number, status: 400, field });
  }
  const { body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, [
    { event_type: 'NUMBER', metadata: { many: Array(220).fill(1e300) } },
  ]);
  expect(body).toMatchObject({ rejections: [{ field: 'metadata' }] });
});

it('takes as many characters as the older columns did', async () => {
  const url = `${telemetry.baseUrl}/v1/telemetry/log`;
  const event = {
    event_type: '検'.repeat(100),
    component: '検'.repeat(100),
    status: '😀'.repeat(20),
  };
  expect(await postJson(url, event)).toMatchObject({ status: 200 });
  expect(await telemetry.database.rows('select component, status from system_telemetry')).toEqual([
    { component: event.component, status: event.status },
  ]);
});
