import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { spawnCollector } from '../../../test/support/process.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { startBlackHole } from '../test/support/servers.ts';
import type { ContenderName } from './contenders.ts';

/**
 * What a call of log() costs its caller, beside the OpenTelemetry SDK's emit and a request for each
 * event, in one run; and what one process delivers. Prints a table and writes it to results.md.
 * Collector, its embedded PostgreSQL and the measured process share the machine.
 */
const { values: args } = parseArgs({
  options: {
    paced: { type: 'string', default: '5000' },
    flat: { type: 'string', default: '200000' },
    delivery: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: '3' },
    results: { type: 'string', default: join(import.meta.dirname, 'results.md') },
  },
});

interface Measurement {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly callsPerSecond: number;
  readonly eventsPerSecond: number;
  readonly cpuUsPerEvent: number;
  readonly residentMb: number;
  readonly fate: string;
}

/** Many requests under way at once would be a measure of memory. */
const fetchesMax = 5000;

const directory = temporaryDirectory();
const collector = await spawnCollector({
  DATABASE_URL: '',
  TELEMETRY_DATA_DIR: join(directory.path, 'data'),
});
const hole = await startBlackHole();
const sink = await startSink();
const services: Record<string, (contender: ContenderName) => string> = {
  up: (contender) => (contender === 'otel' ? sink.url : collector.baseUrl),
  down: () => 'http://127.0.0.1:9',
  'black-holed': () => hole.url,
};

let spools = 0;
async function measure(
  contender: ContenderName,
  load: 'paced' | 'flat' | 'delivery',
  service: string,
): Promise<Measurement> {
  const asked = Number(args[load]);
  const calls = contender === 'fetch' ? Math.min(asked, fetchesMax) : asked;
  const url = services[service]?.(contender) as string;
  const spool = join(directory.path, `spool-${spools++}`);
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    join(import.meta.dirname, 'measure.ts'),
    ...[contender, load, url, spool, String(calls)],
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

/** The middle one of the rounds, by p50. */
async function measureOften(...what: Parameters<typeof measure>): Promise<Measurement> {
  const rounds: Measurement[] = [];
  for (let round = 0; round < Number(args.rounds); round += 1) rounds.push(await measure(...what));
  rounds.sort((a, b) => a.p50Us - b.p50Us || a.eventsPerSecond - b.eventsPerSecond);
  return rounds[Math.floor(rounds.length / 2)] as Measurement;
}

const lines: string[] = [];
const say = (line = '') => {
  lines.push(line);
  console.log(line);
};

say(`# What a call costs its caller

${cpus()[0]?.model.trim()}, ${cpus().length} cores, load average ${loadavg()[0]?.toFixed(1)} when it began, Node ${process.version}.
Microseconds a call, the clock that measures included (\`nothing\` is that alone, \`append\` copies the metadata and
appends the record to a list); collector and
PostgreSQL on the same machine; the median of ${args.rounds} rounds. Flat out: 100 calls a turn of the event
loop. \`otel\` is the OpenTelemetry SDK's \`logger.emit\`, \`fetch\` a request for each event. Made by
\`npm run bench:client\`.
`);
say('| service | load | way | p50 | p99 | p99.9 | calls/s | resident MB |');
say('| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const load of ['paced', 'flat'] as const) {
  for (const service of Object.keys(services)) {
    const ways = ['client', 'otel', 'fetch'] as const;
    for (const contender of service === 'up' ? (['nothing', 'append', ...ways] as const) : ways) {
      const { p50Us, p99Us, p999Us, ...rest } = await measureOften(contender, load, service);
      const costs = [p50Us, p99Us, p999Us].map((us) => us.toFixed(2)).join(' | ');
      const rate = load === 'paced' ? '1,000 calls/s' : 'flat out';
      say(
        `| ${service} | ${rate} | ${contender} | ${costs} | ${rest.callsPerSecond} | ${rest.residentMb} |`,
      );
    }
  }
}
say();
say('# What one process delivers');
say();
say('| way | events/s | CPU µs an event | what became of them |');
say('| --- | --- | --- | --- |');
for (const contender of ['client', 'grpc'] as const) {
  const { eventsPerSecond, cpuUsPerEvent, fate } = await measureOften(contender, 'delivery', 'up');
  const way = contender === 'client' ? 'http' : 'grpc';
  say(`| ${way} | ${eventsPerSecond} | ${cpuUsPerEvent.toFixed(1)} | ${fate} |`);
}

writeFileSync(args.results, `${lines.join('\n')}\n`);
await collector.end('SIGTERM');
await hole.stop();
sink.stop();
directory.remove();

/** Takes whatever comes: what the OpenTelemetry SDK sends to. */
async function startSink(): Promise<{ url: string; stop(): void }> {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
