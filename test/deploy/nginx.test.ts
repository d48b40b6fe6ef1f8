import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { describe, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { startCollector } from '../support/collector.ts';
import { debianProgram, environmentOf } from '../support/debian.ts';
import { freePort } from '../support/free-port.ts';
import { postJson } from '../support/http.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const nginx = debianProgram('usr/sbin/nginx', ['nginx']);
const example = new URL('../../deploy/nginx/nginx.conf', import.meta.url);

describe.runIf(nginx)('deploy/nginx', () => {
  it('passes JSON and gRPC on, and goes on when a collector is gone', async () => {
    const first = await startCollector();
    const second = await startCollector({}, first.database);
    const [plain, grpc] = [await freePort(), await freePort()];
    const directory = temporaryDirectory();
    const config = join(directory.path, 'nginx.conf');
    mkdirSync(join(directory.path, 'logs'));
    const text = readFileSync(example, 'utf8')
      .replace('/run/nginx-telemetry.pid', join(directory.path, 'nginx.pid'))
      .replace('127.0.0.1:8080', `127.0.0.1:${plain}`)
      .replace('127.0.0.1:8081', `127.0.0.1:${grpc}`)
      .replace('127.0.0.1:8002', `127.0.0.1:${first.port}`)
      .replace('127.0.0.1:8003', `127.0.0.1:${second.port}`);
    // What it keeps while requests pass is in folders of the system otherwise.
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `  ${name}_temp_path ${directory.path}/${name};\n`)
      .join('');
    writeFileSync(config, text.replace('  access_log off;\n', `  access_log off;\n${folders}`));
    if (!nginx) throw new Error('there is no nginx');
    const args = ['-p', directory.path, '-c', config, '-g', 'daemon off;'];
    const server = spawn(nginx.program, args, { env: environmentOf(nginx), stdio: 'pipe' });
    const exited = once(server, 'exit');
    let said = '';
    server.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const log = `http://127.0.0.1:${plain}/v1/telemetry/log`;
    const post = () =>
      postJson(log, { event_type: 'A' }).then(
        ({ status }) => status,
        () => server.exitCode ?? 0,
      );
    await expect.poll(post, { timeout: 20_000, message: said }).toBe(200);
    const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpc}` });
    const client = createClient(IngestService, transport);
    expect(await client.log({ eventType: 'B' })).toMatchObject({ success: true });
    await second.collector.stop();
    // A connection that it had open may have ended under the first one, which is not sent twice.
    await expect.poll(post).toBe(200);
    for (let index = 0; index < 4; index++) expect(await post()).toBe(200);
    server.kill('SIGTERM');
    await exited;
    await first.stop();
  }, 120_000);
});
