import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type CertificateName,
  certificateFile,
  certificateOf,
  keyFile,
  keyOf,
  tlsEnvironment,
} from '../../../test/support/certificates.ts';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { QueryError, Telemetry, type TelemetryOptions } from '../src/index.ts';
import { tellsSecrets } from '../src/plain-text.ts';

/** Clauses 3.9 and 3.10, by HTTP and gRPC. */
const transports = ['http', 'grpc'] as const;

let collector: TestCollector;
let secure: string;
beforeAll(async () => {
  collector = await startCollector({
    ...tlsEnvironment(),
    TELEMETRY_TLS_CLIENT_CA_FILE: certificateFile('ca'),
  });
  secure = `https://localhost:${collector.port}`;
});
afterAll(() => collector.stop());

const ours = {
  caFile: certificateFile('ca'),
  clientCertFile: certificateFile('client'),
  clientKeyFile: keyFile('client'),
};

const opened: Telemetry[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((client) => client.close(1)));
  vi.unstubAllEnvs();
});

function open(options: TelemetryOptions) {
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (message: string) => warnings.push(message) };
  const spoolDirectory = temporaryDirectory().path;
  const client = new Telemetry({ spoolDirectory, logger, ...options });
  opened.push(client);
  return { client, warnings };
}

async function expectOutage(options: TelemetryOptions, why: RegExp): Promise<void> {
  const { client, warnings } = open(options);
  for (let value = 0; value < 3; value += 1) client.log('TLS', { value });
  await vi.waitFor(() => expect(client.counters().spooled).toBe(3), 10_000);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/can't be reached/);
  expect(warnings[0]).toMatch(why);
}

describe.each(transports)('by %s', (transport) => {
  it('records arrive, and are read back', async () => {
    const { client } = open({ url: secure, transport, ...ours });
    client.log('TLS', { component: transport });
    expect(await client.flush(10)).toMatchObject({ delivered: 1 });
    expect((await client.getRecentEvents(1))[0]?.component).toBe(transport);
  });

  it('the files come from the environment', async () => {
    vi.stubEnv('TELEMETRY_CA_FILE', ours.caFile);
    vi.stubEnv('TELEMETRY_CLIENT_CERT_FILE', ` ${ours.clientCertFile}\n`);
    vi.stubEnv('TELEMETRY_CLIENT_KEY_FILE', ours.clientKeyFile);
    const { client } = open({ url: secure, transport });
    client.log('TLS');
    expect(await client.flush(10)).toMatchObject({ delivered: 1 });
  });

  it('what is given to tls.connect goes before the files', async () => {
    const given = { ca: certificateOf('ca'), cert: certificateOf('client'), key: keyOf('client') };
    const files = { ...ours, caFile: certificateFile('other-ca') };
    const { client } = open({ url: secure, transport, ...files, tls: given });
    client.log('TLS');
    expect(await client.flush(10)).toMatchObject({ delivered: 1 });
  });

  it.each<[CertificateName, RegExp]>([
    ['stranger', /certificate/i],
    ['expired', /expired/i],
    ['elsewhere', /Host: localhost|altnames/i],
  ])('a service with the certificate %s gets nothing', async (name, why) => {
    const server = tls.createServer({ cert: certificateOf(name), key: keyOf(name) });
    const plain = vi.fn();
    server.on('tlsClientError', ({ message }) => /http request/i.test(message) && plain());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    await expectOutage({ url, transport, ...ours }, why);
    expect(plain).not.toHaveBeenCalled();
    server.close();
  });

  it('a service that does not know us is an outage', async () => {
    const stranger = {
      clientCertFile: certificateFile('stranger'),
      clientKeyFile: keyFile('stranger'),
    };
    await expectOutage({ url: secure, transport, ...ours, ...stranger }, /./);
  });

  it('plain text to a port with TLS is an outage', async () => {
    const url = secure.replace('https:', 'http:');
    await expectOutage({ url, transport }, /use https/);
  });

  it('TLS to a port with plain text is an outage', async () => {
    const server = net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    await expectOutage({ url, transport }, /./);
    server.close();
  });

  it.each([
    ['caFile', { caFile: '/nowhere/ca.pem' }],
    ['clientKeyFile', { ...ours, clientKeyFile: '/nowhere/key.pem' }],
  ])('a %s that is not there is an outage', async (option, files) => {
    await expectOutage({ url: secure, transport, ...files }, new RegExp(`${option}: .*nowhere`));
  });

  it('files that come later are used', async () => {
    const caFile = join(temporaryDirectory().path, 'ca.crt');
    const { client } = open({ url: secure, transport, ...ours, caFile });
    client.log('TLS');
    await vi.waitFor(() => expect(client.counters().spooled).toBe(1), 10_000);
    copyFileSync(ours.caFile, caFile);
    await vi.waitFor(() => expect(client.counters().delivered).toBe(1), 15_000);
  });
});

it('queries say why they have no answer', async () => {
  const { client } = open({ url: secure });
  await expect(client.getFootprint()).rejects.toThrow(QueryError);
  await expect(client.getFootprint()).rejects.toThrow(/certificate/);
});

it('a process takes authorities from NODE_EXTRA_CA_CERTS', async () => {
  const entry = new URL('../dist/index.js', import.meta.url).pathname;
  const program = `import { Telemetry } from ${JSON.stringify(entry)};
    const client = new Telemetry();
    client.log('TLS', { component: 'extra' });
    console.log((await client.flush(10)).delivered);
    await client.close();`;
  const env = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: ours.caFile,
    TELEMETRY_URL: secure,
    TELEMETRY_SPOOL_DIRECTORY: temporaryDirectory().path,
    TELEMETRY_CLIENT_CERT_FILE: ours.clientCertFile,
    TELEMETRY_CLIENT_KEY_FILE: ours.clientKeyFile,
  };
  const args = ['--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toBe('1\n');
});

describe('secrets in plain text', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['http://collector:8002', { authorization: 'Bearer s3cret' }, true],
    ['http://10.0.0.1:8002', { 'X-API-Key': 's3cret' }, true],
    ['http://collector:8002', { 'x-team': 'a' }, false],
    ['http://collector:8002', {}, false],
    ['https://collector:8002', { authorization: 'Bearer s3cret' }, false],
    ['http://localhost:8002', { authorization: 'Bearer s3cret' }, false],
    ['http://127.0.0.1:8002', { authorization: 'Bearer s3cret' }, false],
    ['http://[::1]:8002', { authorization: 'Bearer s3cret' }, false],
  ])('to %s with %j', (url, headers, isTold) => {
    expect(tellsSecrets({ url, headers })).toBe(isTold);
  });

  it('are warned of, without being told again', async () => {
    const url = 'http://somebody:pa55@collector.invalid';
    const { client, warnings } = open({ url, token: 's3cret' });
    client.log('TLS');
    await vi.waitFor(() => expect(warnings.join()).toContain('use https'));
    expect(warnings.join()).not.toMatch(/s3cret|pa55/);
  });
});
