import http from 'node:http';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyService } from '../../gen/typescript/gravitas/telemetry/v1/key_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';

let telemetry: TestCollector;
let adminSecret: string;
const run = (...args: string[]) => runCommand(args, { DATABASE_URL: telemetry.database.url });

beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

const withKey = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };
const post = (key?: string, headers: Record<string, string> = {}) =>
  fetch(`${telemetry.baseUrl}/v1/telemetry/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...withKey(key), ...headers },
    body: JSON.stringify({ event_type: 'KEYED' }),
  });
const client = (key: string) =>
  createClient(
    KeyService,
    createGrpcTransport({
      baseUrl: telemetry.baseUrl,
      interceptors: [
        (next) => (request) => {
          request.header.set('x-api-key', key);
          return next(request);
        },
      ],
    }),
  );

describe('keys', () => {
  it('are needed, while there is none, to administer by a name of the internet', async () => {
    const listKeys = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const path = '/gravitas.telemetry.v1.KeyService/ListKeys';
        const headers = { host, 'content-type': 'application/json' };
        const options = { method: 'POST', host: '127.0.0.1', port: telemetry.port, path, headers };
        const asked = http.request(options, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.once('error', reject).end('{}');
      });
    expect(await listKeys('evil.example:8002')).toBe(401);
    expect(await listKeys('localhost:8002')).toBe(200);
  });

  it('are not needed on loopback as long as there is none', async () => {
    expect((await post()).status).toBe(200);
    expect((await post('whatever')).status).toBe(200);
  });

  it('are made on the command line, and needed from then on', async () => {
    const made = await run('keys', 'create', 'root', '--scopes', 'admin');
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^gt_[0-9a-f]{12}_\S{43}\n$/),
    });
    adminSecret = made.stdout.trim();
    await expect.poll(async () => (await post()).status, { timeout: 5000 }).toBe(401);
    const answer = await post('whatever');
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="gravitas-telemetry", error="invalid_token"',
    ]);
    expect((await post(adminSecret)).status).toBe(403);
  });

  it('are made, listed, rotated and revoked by the API, at once', async () => {
    const admin = client(adminSecret);
    const { key, secret } = await admin.createKey({ name: 'app' });
    expect(key).toMatchObject({ name: 'app', scopes: ['ingest'], state: 'active' });
    expect((await post(secret)).status).toBe(200);
    expect((await post(undefined, { 'x-api-key': secret })).status).toBe(200);
    expect((await post(secret, { 'x-api-key': adminSecret })).status).toBe(401);
    const next = await admin.rotateKey({ name: 'app' });
    expect((await post(secret)).status).toBe(200);
    expect((await post(next.secret)).status).toBe(200);
    await expect(admin.rotateKey({ name: 'app' })).rejects.toThrow(/two|2 live secrets/);
    await admin.revokeKey({ nameOrId: key?.id ?? '' });
    expect((await post(secret)).status).toBe(401);
    expect((await post(next.secret)).status).toBe(200);
    const { keys, uses } = await admin.listKeys({});
    expect(keys.map(({ name, state }) => [name, state])).toEqual([
      ['root', 'active'],
      ['app', 'revoked'],
      ['app', 'active'],
    ]);
    expect(uses.find(({ name }) => name === 'app')?.requests).toBe(5n);
  });
});
