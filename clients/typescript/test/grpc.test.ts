import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Telemetry } from '../src/index.ts';
import { expectOnce, upTo } from './support/exactly-once.ts';
import { startProgram } from './support/program.ts';
import { startBlackHole, startScriptedServer } from './support/servers.ts';

/** Clause 3.1, the other way: StreamBatches over gRPC. */
let database: TestDatabase;
let port: string;
let collector: TestCollector | undefined;
let directory: string;
beforeEach(async () => {
  database = await createDatabase();
  port = String(await freePort());
  directory = temporaryDirectory().path;
});
afterEach(async () => {
  await collector?.stop();
  collector = undefined;
  await database.drop();
});

const startService = async () => {
  collector = await startCollector({ TELEMETRY_PORT: port }, database);
};
const client = () =>
  new Telemetry({
    url: `http://127.0.0.1:${port}`,
    transport: 'grpc',
    spoolDirectory: directory,
    batchEventsMax: 100,
    logger: { info: () => {}, warn: () => {} },
  });

it('delivers many batches on one stream', async () => {
  await startService();
  await using telemetry = client();
  for (const value of upTo(5000)) telemetry.log('GRPC', { component: 'grpc', value });
  telemetry.logUsage('m', 'L1', 1, 2, 3);
  expect(await telemetry.flush(20)).toMatchObject({ complete: true });
  expect(telemetry.counters()).toMatchObject({ delivered: 5001, spooled: 0 });
  await expectOnce(database, 'grpc', upTo(5000));
});

it('counts what the service rejects', async () => {
  await startService();
  await using telemetry = client();
  telemetry.log('x'.repeat(300));
  telemetry.log('FINE');
  await telemetry.flush(10);
  expect(telemetry.counters()).toMatchObject({ delivered: 1, dropped: { rejected: 1 } });
});

it('goes on when the service is gone for a while', async () => {
  await startService();
  await using telemetry = client();
  const log = (values: number[]) => {
    for (const value of values) telemetry.log('GRPC', { component: 'gone', value });
  };
  log(upTo(1000));
  await telemetry.flush(10);
  await collector?.stop();
  log(upTo(1000).map((value) => 1000 + value));
  expect(await telemetry.flush(20)).toMatchObject({ complete: true });
  await startService();
  log(upTo(1000).map((value) => 2000 + value));
  await expectOnce(database, 'gone', upTo(3000));
});

it.each([
  ['natural', process.execPath],
  ['signal', process.execPath],
  ['natural', 'bun'],
])('does not keep a program alive, black-holed: %s, %s', async (end, runtime) => {
  const hole = await startBlackHole();
  const env = {
    TELEMETRY_URL: hole.url,
    TELEMETRY_TRANSPORT: 'grpc',
    TELEMETRY_SPOOL_DIRECTORY: directory,
    COMPONENT: 'grpc end',
    COUNT: '20',
    END: end,
  };
  const program = startProgram('log-and-end.mjs', env, runtime);
  if (end === 'signal') {
    await program.nextLine();
    program.process.kill('SIGTERM');
  }
  await program.ended;
  expect(hole.connections).toBeLessThanOrEqual(1);
  await hole.stop();
  await startService();
  await using next = client();
  next.log('NEXT');
  await expectOnce(database, 'grpc end', upTo(20));
});

it('reaches an IPv6 address', async () => {
  collector = await startCollector({ TELEMETRY_PORT: port, TELEMETRY_HOST: '::1' }, database);
  await using telemetry = new Telemetry({
    url: ` http://[::1]:${port}/ \n`,
    transport: 'grpc',
    spoolDirectory: directory,
  });
  telemetry.log('IPV6');
  expect(await telemetry.flush(10)).toMatchObject({ complete: true, delivered: 1 });
});

it('3.2 what answers is not the service', async () => {
  const answering = await startScriptedServer([{ status: 200, body: '<html>' }]);
  await using telemetry = new Telemetry({
    url: answering.url,
    transport: 'grpc',
    spoolDirectory: directory,
    logger: { info: () => {}, warn: () => {} },
  });
  telemetry.log('KEPT');
  expect(await telemetry.flush(20)).toMatchObject({ complete: true, spooled: 1 });
  await answering.stop();
});

/** Of what is in between, whatever is asked. */
async function pages(status: number, headers: Record<string, string> = {}) {
  let asked = 0;
  const sessions = new Set<http2.Http2Session>();
  const server = http2.createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    asked += 1;
    stream.on('error', () => {});
    stream.respond({ ':status': status, 'content-type': 'text/html', ...headers });
    stream.end('<html>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    stop: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

it.each([413, 414, 431])(
  '3.2 a page that says too large does not stop the rest: %d',
  async (status) => {
    const proxy = await pages(status);
    await using telemetry = new Telemetry({
      url: proxy.url,
      transport: 'grpc',
      spoolDirectory: directory,
      logger: { info: () => {}, warn: () => {} },
    });
    for (const value of upTo(3)) telemetry.log('LARGE', { value });
    expect(await telemetry.flush(20)).toMatchObject({ complete: true, dropped: 3, spooled: 0 });
    expect(telemetry.counters().dropped.refused).toBe(3);
    expect(readdirSync(directory).every((name) => name.endsWith('.refused'))).toBe(true);
    proxy.stop();
  },
);

it('3.3 the delay that a page names is waited for in the spool', async () => {
  const proxy = await pages(503, { 'retry-after': '60' });
  await using telemetry = new Telemetry({
    url: proxy.url,
    transport: 'grpc',
    spoolDirectory: directory,
    logger: { info: () => {}, warn: () => {} },
  });
  telemetry.log('LATER');
  expect(await telemetry.flush(20)).toMatchObject({ complete: true, spooled: 1 });
  telemetry.log('LATER TOO');
  expect(await telemetry.flush(20)).toMatchObject({ complete: true, spooled: 1 });
  expect(proxy.asked()).toBe(1);
  proxy.stop();
});
