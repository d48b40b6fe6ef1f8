import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTraceOptions } from '../../src/config/trace-options.ts';
import { StartError } from '../../src/errors.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { patient } from '../support/patient.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';

describe('traces', () => {
  const received: { readonly path: string | undefined; readonly body: Buffer }[] = [];
  const receiver = http.createServer(async (request, response) => {
    received.push({ path: request.url, body: await buffer(request) });
    response.end();
  });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  let database: TestDatabase;
  let collector: CollectorProcess;
  beforeAll(async () => {
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    database = await createDatabase();
    const { port } = receiver.address() as AddressInfo;
    collector = await spawnCollector({
      DATABASE_URL: database.url,
      ...patient,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_SERVICE_NAME: 'named-by-its-variable',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a-test',
    });
  });
  afterAll(async () => {
    await collector.end('SIGTERM');
    receiver.close();
    await database.drop();
  });

  it('tell of requests within the trace of their caller, and of commits', async () => {
    const post = async (path: string, headers: Readonly<Record<string, string>>) => {
      const response = await fetch(`${collector.baseUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"event_type":"SECRET_OF_A_RECORD"}',
      });
      expect(response.status).toBe(200);
    };
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    await post('/v1/telemetry/log', { traceparent });
    await post('/gravitas.telemetry.v1.IngestService/Log', { 'connect-timeout-ms': '9000' });
    await fetch(`${collector.baseUrl}/livez`);
    // What was not sent yet is, at the end.
    await collector.end('SIGTERM');
    expect(received.map(({ path }) => path)).toContain('/v1/traces');
    const sent = Buffer.concat(received.map(({ body }) => body));
    for (const text of [
      'POST /v1/telemetry/log',
      'gravitas.telemetry.v1.IngestService/Log',
      'commit',
      'named-by-its-variable',
      'a-test',
    ]) {
      expect([text, sent.includes(text)]).toEqual([text, true]);
    }
    expect(sent.includes(Buffer.from(traceId, 'hex'))).toBe(true);
    expect(sent.includes('livez')).toBe(false);
    expect(sent.includes('SECRET_OF_A_RECORD')).toBe(false);
  });
});

describe('traces by the environment', () => {
  const on = { OTEL_TRACES_EXPORTER: 'otlp' };

  it('are off unless an exporter is named', () => {
    for (const env of [
      {},
      { OTEL_TRACES_EXPORTER: '' },
      { OTEL_TRACES_EXPORTER: 'none' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' },
      { ...on, OTEL_SDK_DISABLED: 'true' },
    ]) {
      expect(readTraceOptions(env)).toBeUndefined();
    }
  });

  it('are of everything, or of what a sampler says', () => {
    expect(readTraceOptions(on)).toEqual({ sampler: 'parentbased_always_on', ratio: 1 });
    const sampled = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' };
    expect(readTraceOptions({ ...on, ...sampled })).toEqual({
      sampler: 'traceidratio',
      ratio: 0.25,
    });
  });

  it.each([
    ['OTEL_TRACES_EXPORTER', 'zipkin', 'one of none, otlp'],
    ['OTEL_TRACES_SAMPLER', 'sometimes', 'one of always_on'],
    ['OTEL_TRACES_SAMPLER_ARG', '2', 'a number from 0 to 1'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'http/protobuf'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/json', 'http/protobuf'],
  ])('%s=%s is refused by its name', (variable, value, expected) => {
    const read = () => readTraceOptions({ ...on, [variable]: value });
    expect(read).toThrow(StartError);
    expect(read).toThrow(`${variable}: "${value}" is not valid: expects ${expected}`);
  });
});

it('nothing of OpenTelemetry is loaded before it is wanted', () => {
  const root = new URL('../../src/', import.meta.url).pathname;
  for (const file of globSync('**/*.ts', { cwd: root })) {
    const text = readFileSync(`${root}${file}`, 'utf8');
    // Nor with the module that uses it, which is one with the rest where it is bundled.
    expect([file, /^import (?!type )[^;]*'@opentelemetry\//m.test(text)]).toEqual([file, false]);
  }
});
