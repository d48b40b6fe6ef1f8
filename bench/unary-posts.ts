import { once } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { runningServer } from '../src/database/embedded/server.ts';
import { spawnCollector } from '../test/support/process.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';

/**
 * Durable posts of single events over HTTP/1.1: so many connections, each sending its next
 * request when the last is answered. The collector, its embedded PostgreSQL and this load
 * generator share the machine. Prints one JSON line.
 */
const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '500' },
    requests: { type: 'string', default: '20000' },
  },
});
const connections = Number(values.connections);
const requests = Number(values.requests);

const directory = temporaryDirectory();
const dataDirectory = join(directory.path, 'data');
const collector = await spawnCollector({ DATABASE_URL: '', TELEMETRY_DATA_DIR: dataDirectory });
const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
const body = JSON.stringify({
  event_type: 'VRAM_CHECK',
  component: 'L1',
  value: 12.5,
  metadata: { gpu_id: 0, total_vram_gb: 24.0, used_vram_gb: 11.5 },
  status: 'OK',
});

const latenciesMs: number[] = [];
const statuses: Record<string, number> = {};

async function post(): Promise<void> {
  const start = performance.now();
  const request = http.request(`${collector.baseUrl}/v1/telemetry/log`, {
    agent,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': body.length },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  latenciesMs.push(performance.now() - start);
  statuses[String(response.statusCode)] = (statuses[String(response.statusCode)] ?? 0) + 1;
}

const start = performance.now();
let left = requests;
const loops = Array.from({ length: connections }, async () => {
  while (left-- > 0) await post();
});
await Promise.all(loops);
const seconds = (performance.now() - start) / 1000;

const client = new pg.Client(runningServer(dataDirectory) as pg.ClientConfig);
await client.connect();
const { rows } = await client.query('select count(*)::int as count from system_telemetry');
await client.end();

latenciesMs.sort((a, b) => a - b);
const quantileMs = (q: number) =>
  Number(latenciesMs[Math.floor(q * (latenciesMs.length - 1))]?.toFixed(1));
console.log(
  JSON.stringify({
    connections,
    requests,
    statuses,
    rows: rows[0].count,
    requests_per_second: Math.round(requests / seconds),
    p50_ms: quantileMs(0.5),
    p99_ms: quantileMs(0.99),
    max_ms: quantileMs(1),
  }),
);
agent.destroy();
await collector.end('SIGTERM');
directory.remove();
