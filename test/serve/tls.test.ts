import { once } from 'node:events';
import { copyFileSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { Environment } from '../../src/config.ts';
import { Health } from '../../src/observe/health.ts';
import {
  CertificateFiles,
  measureCertificate,
  openCertificate,
} from '../../src/serve/tls/certificate-files.ts';
import {
  type CertificateName,
  certificateFile,
  certificateOf,
  keyFile,
  keyOf,
  tlsEnvironment,
} from '../support/certificates.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { testConfig } from '../support/config.ts';
import { silentLogger } from '../support/logger.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const started: TestCollector[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()));
});

async function start(env: Environment): Promise<TestCollector> {
  const collector = await startCollector({ ...tlsEnvironment(), ...env }, shared.database);
  started.push(collector);
  return collector;
}

let shared: TestCollector;
beforeAll(async () => {
  shared = await startCollector({ ...tlsEnvironment(), TELEMETRY_HEADER_MS_MAX: '500' });
});
afterAll(() => shared.stop());

const trust = { ca: certificateOf('ca'), host: '127.0.0.1', servername: 'localhost' };
const by = (name: CertificateName) => ({ cert: certificateOf(name), key: keyOf(name) });

async function get(
  { port }: TestCollector,
  path: string,
  options: https.RequestOptions = {},
): Promise<http2.IncomingHttpHeaders & { readonly status: number; readonly text: string }> {
  const request = https.get({ ...trust, port, path, agent: false, ...options });
  const [answer] = await once(request, 'response');
  return { ...answer.headers, status: answer.statusCode, text: await text(answer) };
}

async function metric(of: TestCollector, name: string): Promise<number> {
  const { text: metrics } = await get(of, '/metrics');
  return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(metrics)?.[1]);
}

const refused = (of: TestCollector, reason: string) =>
  metric(of, `telemetry_requests_refused_total{reason="${reason}"}`);

/** What a handshake comes to, where it comes to an answer at all. */
async function shake(port: number, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  const socket = tls.connect({ ...trust, port, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

describe('the one port, with TLS', () => {
  it.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [undefined, false],
  ])('speaks what is agreed on: of %s %s', async (ALPNProtocols, agreed) => {
    const socket = await shake(shared.port, ALPNProtocols ? { ALPNProtocols } : {});
    expect(socket.alpnProtocol).toBe(agreed);
    if (agreed !== 'h2') {
      socket.write('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      expect(await text(socket)).toMatch(/^HTTP\/1.1 200/);
    } else {
      const session = http2.connect('https://localhost', { createConnection: () => socket });
      const call = session.request({ ':path': '/livez' });
      expect(await json(call)).toEqual({ status: 'alive' });
      session.close();
    }
  });

  it('refuses what it does not speak, and counts it', async () => {
    const before = await refused(shared, 'handshake');
    await expect(shake(shared.port, { ALPNProtocols: ['http/3'] })).rejects.toThrow(/alert|ALPN/i);
    expect(await refused(shared, 'handshake')).toBe(before + 1);
  });

  const transports = {
    'Connect over HTTP/1.1': { httpVersion: '1.1' },
    'Connect over HTTP/2': { httpVersion: '2' },
  } as const;
  it.each(Object.entries(transports))('stores: %s', async (eventType, { httpVersion }) => {
    const nodeOptions = { ca: trust.ca };
    const baseUrl = `https://localhost:${shared.port}`;
    const ingest = createClient(
      IngestService,
      createConnectTransport({ baseUrl, httpVersion, nodeOptions }),
    );
    await ingest.log({ eventType });
    const query = `select count(*) from system_telemetry where event_type = '${eventType}'`;
    expect(await shared.database.count(query)).toBe(1);
  });

  it('carries streams of gRPC', async () => {
    const baseUrl = `https://localhost:${shared.port}`;
    const nodeOptions = { ca: trust.ca };
    const ingest = createClient(IngestService, createGrpcTransport({ baseUrl, nodeOptions }));
    const batch = { events: Array.from({ length: 1000 }, () => ({ eventType: 'STREAM' })) };
    async function* batches() {
      for (let sent = 0; sent < 5; sent += 1) yield batch;
    }
    let acknowledged = 0;
    for await (const _ of ingest.streamBatches(batches())) acknowledged += 1;
    expect(acknowledged).toBe(5);
  });

  it('ends handshakes that do not end, as it ends connections that say nothing', async () => {
    const before = await refused(shared, 'handshake');
    const sockets = ['', '\x16', '\x16\x03\x01\x02\x00\x01'].map((begin) => {
      const socket = net.connect(shared.port, '127.0.0.1');
      socket.write(begin, 'latin1');
      return once(socket.resume(), 'close');
    });
    await Promise.all(sockets);
    expect(await refused(shared, 'handshake')).toBe(before + 2);
  });

  it('ends connections on which no request comes', async () => {
    for (const ALPNProtocols of [['http/1.1']]) {
      const socket = await shake(shared.port, { ALPNProtocols });
      socket.write('GET /livez HTTP/1.1\r\n');
      expect(await text(socket)).toMatch(/^HTTP\/1.1 408/);
    }
  });

  it('takes no more connections, and no larger headers, than without', async () => {
    const small = await start({
      TELEMETRY_CONNECTIONS_MAX: '2',
      TELEMETRY_HEADER_BYTES_MAX: '2048',
    });
    const held = [await shake(small.port, {}), await shake(small.port, {})];
    await expect(shake(small.port, {})).rejects.toThrow();
    for (const socket of held) socket.destroy();
    await Promise.all(held.map((socket) => once(socket, 'close')));
    const headers = { 'x-long': 'x'.repeat(4096) };
    const isRefused = async () =>
      expect((await get(small, '/livez', { headers })).status).toBe(431);
    await vi.waitFor(isRefused, 10_000);
    expect(await refused(small, 'connections')).toBeGreaterThan(0);
  });

  it('takes no TLS older than it is told to', async () => {
    const strict = await start({ TELEMETRY_TLS_MIN_VERSION: '1.3' });
    await expect(shake(strict.port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/version/);
    const old = {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    } as const;
    await expect(shake(shared.port, old)).rejects.toThrow(/version|protocol/i);
    expect(
      (await shake(shared.port, { maxVersion: 'TLSv1.2' })).destroy().getProtocol(),
    ).toBeNull();
  });
});

describe('plain text on a port with TLS', () => {
  const ask = async (port: number) => await fetch(`http://127.0.0.1:${port}/livez`);

  it('is told so by HTTP/1.1 and HTTP/2, and counted', async () => {
    const before = await refused(shared, 'plain_text');
    const answer = await ask(shared.port);
    expect([answer.status, answer.headers.get('connection')]).toEqual([400, 'close']);
    expect(await answer.json()).toMatchObject({ message: 'this port takes TLS only: use https' });
    const baseUrl = `http://127.0.0.1:${shared.port}`;
    const ingest = createClient(IngestService, createGrpcTransport({ baseUrl }));
    await expect(ingest.log({ eventType: 'PLAIN' })).rejects.toThrow(/unimplemented.*use https/);
    expect(await refused(shared, 'plain_text')).toBe(before + 2);
    const query = `select count(*) from system_telemetry where event_type = 'PLAIN'`;
    expect(await shared.database.count(query)).toBe(0);
  });

  it('is served where that is asked for', async () => {
    const both = await start({ TELEMETRY_TLS_PLAIN_TEXT: 'allow' });
    expect((await ask(both.port)).status).toBe(200);
    expect((await get(both, '/livez')).status).toBe(200);
  });
});

describe('certificates of clients', () => {
  const mutual: Record<string, TestCollector> = {};
  beforeAll(async () => {
    for (const mode of ['require', 'optional']) {
      mutual[mode] = await startCollector(
        {
          ...tlsEnvironment(),
          TELEMETRY_TLS_CLIENT_CA_FILE: certificateFile('ca'),
          TELEMETRY_TLS_CLIENT_AUTH: mode,
        },
        shared.database,
      );
    }
  });
  afterAll(() => Promise.all(Object.values(mutual).map((each) => each.stop())));

  it.each<[string, 'require' | 'optional', CertificateName | undefined, boolean]>([
    ['by our authority', 'require', 'client', true],
    ['none', 'require', undefined, false],
    ['by another authority', 'require', 'stranger', false],
    ['that has expired', 'require', 'expired', false],
    ['by our authority', 'optional', 'client', true],
    ['none', 'optional', undefined, true],
    ['by another authority', 'optional', 'stranger', false],
  ])('%s, %s', async (_which, mode, name, letIn) => {
    const collector = mutual[mode] as TestCollector;
    const failed = async () =>
      Number(
        /reason="handshake"} (\d+)/.exec(
          (await get(collector, '/metrics', by('client'))).text,
        )?.[1],
      );
    const before = await failed();
    const answer = get(collector, '/livez', name && by(name));
    if (letIn) expect((await answer).status).toBe(200);
    else await expect(answer).rejects.toThrow();
    expect((await failed()) - before).toBe(letIn ? 0 : 1);
  });
});

describe('a key that a certificate stands for', () => {
  it.each(['http/1.1', 'h2'])('says who its client is: %s', async (protocol) => {
    const secret = 'x'.repeat(40);
    const collector = await start({
      TELEMETRY_TLS_CLIENT_CA_FILE: certificateFile('ca'),
      TELEMETRY_TLS_CLIENT_AUTH: 'optional',
      TELEMETRY_API_KEYS: `checkout ingest ${secret} certificate=CN=checkout`,
    });
    const transport = (options: tls.ConnectionOptions) =>
      createConnectTransport({
        baseUrl: `https://localhost:${collector.port}`,
        httpVersion: protocol === 'h2' ? '2' : '1.1',
        nodeOptions: { ca: trust.ca, ...options },
      });
    const log = (options: tls.ConnectionOptions) =>
      createClient(IngestService, transport(options)).log({ eventType: 'MUTUAL' });
    await expect(log({})).rejects.toThrow(/unauthenticated/);
    await log(by('client'));
  });
});

describe('a certificate that changes', () => {
  /** As Kubernetes mounts them: files that lead through a link that is swapped. */
  function mount() {
    const { path } = temporaryDirectory();
    let versions = 0;
    const swap = (cert: CertificateName, key: CertificateName = cert) => {
      const version = join(path, `..version-${versions++}`);
      mkdirSync(version);
      copyFileSync(certificateFile(cert), join(version, 'tls.crt'));
      copyFileSync(keyFile(key), join(version, 'tls.key'));
      symlinkSync(version, join(path, '..next'));
      renameSync(join(path, '..next'), join(path, '..data'));
    };
    swap('server');
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(path, file));
    const env = {
      TELEMETRY_TLS_CERT_FILE: join(path, 'tls.crt'),
      TELEMETRY_TLS_KEY_FILE: join(path, 'tls.key'),
    };
    return { env, swap };
  }

  async function subjectAt(port: number): Promise<string> {
    const socket = await shake(port, {});
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  }

  async function until(done: () => Promise<boolean>): Promise<void> {
    while (!(await done())) await sleep(50);
  }

  it('is taken without dropping a connection; a pair that does not fit is not', async () => {
    const { env, swap } = mount();
    const collector = await start(env);
    const session = http2.connect(`https://localhost:${collector.port}`, { ca: trust.ca });
    const ask = async () => json(session.request({ ':path': '/readyz' }));
    expect(await ask()).toMatchObject({ reasons: [] });

    swap('renewed', 'server');
    await until(async () => /tls.key is not the key/.test(JSON.stringify(await ask())));
    expect(await subjectAt(collector.port)).toBe('localhost');

    swap('renewed');
    await until(async () => (await subjectAt(collector.port)) === 'another localhost');
    expect(await ask()).toMatchObject({ status: 'ready', reasons: [] });

    swap('expired');
    await until(async () => /expired on/.test(JSON.stringify(await ask())));
    expect(await subjectAt(collector.port)).toBe('another localhost');
    session.close();
  });
});

describe('a start without a certificate that can be used', () => {
  const cert = certificateFile('server');
  const missing = '/nowhere/tls.pem';
  it.each<[Environment, RegExp]>([
    [{ TELEMETRY_TLS_KEY_FILE: keyFile('client') }, /^TELEMETRY_TLS_KEY_FILE: .*is not the key of/],
    [{ TELEMETRY_TLS_KEY_FILE: '' }, /^TELEMETRY_TLS_CERT_FILE: TELEMETRY_TLS_KEY_FILE is needed/],
    [{ TELEMETRY_TLS_CERT_FILE: '' }, /^TELEMETRY_TLS_KEY_FILE: .*TELEMETRY_TLS_CERT_FILE/],
    [{ TELEMETRY_TLS_CERT_FILE: missing }, /^TELEMETRY_TLS_CERT_FILE: .*nowhere/],
    [{ TELEMETRY_TLS_KEY_FILE: missing }, /^TELEMETRY_TLS_KEY_FILE: .*nowhere/],
    [{ TELEMETRY_TLS_CLIENT_CA_FILE: missing }, /^TELEMETRY_TLS_CLIENT_CA_FILE: .*nowhere/],
    [{ TELEMETRY_TLS_CERT_FILE: keyFile('server') }, /^TELEMETRY_TLS_CERT_FILE: .*no certificate/],
    [{ TELEMETRY_TLS_KEY_FILE: cert }, /^TELEMETRY_TLS_KEY_FILE: .*no private key/],
    [
      { TELEMETRY_TLS_CLIENT_CA_FILE: keyFile('server') },
      /^TELEMETRY_TLS_CLIENT_CA_FILE: .*no cert/,
    ],
    [tlsEnvironment('expired'), /^TELEMETRY_TLS_CERT_FILE: .*expired on Feb/],
    [tlsEnvironment('locked'), /^TELEMETRY_TLS_KEY_FILE: .*give TELEMETRY_TLS_KEY_PASSWORD/],
    [
      { ...tlsEnvironment('locked'), TELEMETRY_TLS_KEY_PASSWORD: 'other' },
      /^TELEMETRY_TLS_KEY_FILE: .*TELEMETRY_TLS_KEY_PASSWORD/,
    ],
  ])('says in one sentence which option is at fault: %j', async (env, sentence) => {
    const options = testConfig({ ...tlsEnvironment(), ...env });
    await expect(openCertificate(options)).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringMatching(sentence),
    });
    await expect(openCertificate(options)).rejects.not.toThrow(/\n/);
  });

  it('takes an encrypted key with its password', async () => {
    const locked = await start({
      ...tlsEnvironment('locked'),
      TELEMETRY_TLS_KEY_PASSWORD: 's3cret',
    });
    expect((await get(locked, '/livez')).status).toBe(200);
  });
});

describe('the end of a certificate', () => {
  afterEach(() => vi.useRealTimers());

  it('is in the metrics', async () => {
    const end = await metric(shared, 'telemetry_tls_certificate_expires_seconds');
    expect(end).toBe(Date.parse('2125-01-01T00:00:00Z') / 1000);
    const registry = new Registry();
    measureCertificate(undefined, registry);
    expect(await registry.metrics()).toMatch(/ \+Inf$/m);
  });

  it.each([
    ['2124-12-01', undefined],
    ['2124-12-25', 'certificate: it expires on 2125-01-01T00:00:00.000Z'],
  ])('is warned of before: on %s', async (date, reason) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(date) });
    const options = testConfig(tlsEnvironment());
    const certificate = await openCertificate(options);
    const health = new Health();
    if (!certificate) throw new Error('there is none');
    new CertificateFiles(options, certificate, health, silentLogger).close();
    expect(health.readiness).toEqual({ ready: true, reasons: reason ? [reason] : [] });
  });
});
