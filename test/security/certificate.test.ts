import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { keyAdmin } from './callers.ts';

const folder = new URL('../support/certificates/tls/', import.meta.url).pathname;
const read = (name: string) => readFileSync(`${folder}${name}`);
const ofClient = () => ({ ca: read('ca.crt'), cert: read('client.crt'), key: read('client.key') });
const path = '/v1/telemetry/stats';

let database: TestDatabase;
let telemetry: TestCollector;
beforeAll(async () => {
  database = await createDatabase();
  telemetry = await startCollector(
    {
      TELEMETRY_TLS_CERT_FILE: `${folder}server.crt`,
      TELEMETRY_TLS_KEY_FILE: `${folder}server.key`,
      TELEMETRY_TLS_CLIENT_CA_FILE: `${folder}ca.crt`,
      TELEMETRY_ANONYMOUS_SCOPES: 'none',
    },
    database,
  );
});
afterAll(async () => {
  await telemetry.stop();
  await database.drop();
});

async function overHttp1(): Promise<number> {
  const options = { ...ofClient(), host: 'localhost', port: telemetry.port, path, agent: false };
  const [response] = await once(https.get(options), 'response');
  response.resume();
  return response.statusCode;
}

async function overHttp2(): Promise<number> {
  const session = http2.connect(`https://localhost:${telemetry.port}`, ofClient());
  const request = session.request({ ':path': path });
  const [headers] = await once(request, 'response');
  request.resume();
  await once(request, 'end');
  session.close();
  return headers[':status'];
}

const both = () => Promise.all([overHttp1(), overHttp2()]);

it.each([
  ['fingerprint', () => new X509Certificate(read('client.crt')).fingerprint256],
  [
    'subject',
    () => new X509Certificate(read('client.crt')).subject.split('\n').toReversed().join(','),
  ],
])('a client with a certificate that a key names by its %s needs no secret', async (by, name) => {
  const admin = keyAdmin(database);
  const operator = { name: 'a test' };
  await expect.poll(both, { timeout: 5000 }).toEqual([401, 401]);
  await admin.create(operator, { name: `by-${by}`, scopes: ['query'], certificate: name() });
  await expect.poll(both, { timeout: 5000 }).toEqual([200, 200]);
  await admin.revoke(operator, `by-${by}`);
  await expect.poll(both, { timeout: 5000 }).toEqual([401, 401]);
});
