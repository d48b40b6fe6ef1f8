import { X509Certificate } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  type CertificateName,
  certificateFile,
  certificateOf,
  keyFile,
} from '../support/certificates.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { openTail } from '../support/tail.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const slowMsMax = 120_000;
vi.setConfig({ testTimeout: slowMsMax, hookTimeout: slowMsMax });
const directory = temporaryDirectory();
const certificate = join(directory.path, 'tls.crt');
const key = join(directory.path, 'tls.key');
const ca = certificateOf('ca');
let database: TestDatabase;
let collector: CollectorProcess;

function useCertificate(name: CertificateName): void {
  copyFileSync(certificateFile(name), certificate);
  copyFileSync(keyFile(name), key);
}

beforeAll(async () => {
  database = await createDatabase();
  useCertificate('server');
  collector = await spawnCollector({
    DATABASE_URL: database.url,
    TELEMETRY_DATA_DIR: join(directory.path, 'data'),
    TELEMETRY_PROCESSES: '2',
    TELEMETRY_TLS_CERT_FILE: certificate,
    TELEMETRY_TLS_KEY_FILE: key,
    TELEMETRY_UNARY_MS_MAX: '20000',
  });
});
afterAll(async () => {
  await collector.end('SIGKILL');
  await database.drop();
  directory.remove();
});

interface Answered {
  readonly status: number | undefined;
  /** Of the certificate that was shown. */
  readonly serialNumber: string;
}

/** Over a connection of its own. */
const post = (type: string): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const url = `https://127.0.0.1:${collector.port}/v1/telemetry/log`;
    const headers = { 'content-type': 'application/json' };
    const posted = request(url, { method: 'POST', ca, agent: false, headers }, (response) => {
      const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume().once('end', () => resolve({ status: response.statusCode, serialNumber }));
    });
    posted.once('error', reject);
    posted.end(JSON.stringify({ event_type: type }));
  });

const postToAll = (type: string) => Promise.all(Array.from({ length: 8 }, () => post(type)));

it('shows whoever follows one of them what all of them store, over TLS', async () => {
  const transport = createGrpcTransport({
    baseUrl: `https://127.0.0.1:${collector.port}`,
    nodeOptions: { ca },
  });
  const tail = await openTail(transport);
  const answers = await postToAll('FOLLOWED');
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  await tail.until(answers.length);
  expect(tail.names).toEqual(answers.map(() => 'FOLLOWED'));
  await tail.stop();
});

it('has all of them read again what the supervisor is told to read again', async () => {
  const serials = async () =>
    [...new Set((await postToAll('SHOWN')).map(({ serialNumber }) => serialNumber))].toSorted();
  const before = await serials();
  expect(before).toHaveLength(1);
  useCertificate('renewed');
  collector.process.kill('SIGHUP');
  const renewed = new X509Certificate(certificateOf('renewed')).serialNumber;
  expect(before).not.toContain(renewed);
  await expect.poll(serials, { timeout: 60_000 }).toEqual([renewed]);
});
