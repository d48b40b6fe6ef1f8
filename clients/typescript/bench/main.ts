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
 * Collector, its embedded PostgreSQL and the measured process share the machine. With `--beside` and
 * another checkout it measures that one's client beside this one's, and writes to beside.md.
 */
const { values: args } = parseArgs({
  options: {
    paced: { type: 'string', default: '5000' },
    flat: { type: 'string', default: '200000' },
    delivery: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: process.env.ROUNDS ?? '3' },
    beside: { type: 'string', default: process.env.BESIDE ?? '' },
    results: { type: 'string' },
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
  const program = join(import.meta.dirname, 'measure.ts');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, contender, load, url, spool, String(calls)],
    { env: { ...process.env, BESIDE: args.beside } },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

/** Of each way in turn, round by round: the middle one of the rounds, each figure by itself. */
async function measureInTurn(
  ways: readonly ContenderName[],
  ...what: ['paced' | 'flat' | 'delivery', string]
): Promise<[ContenderName, Measurement][]> {
  const found = new Map<ContenderName, Measurement[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < Number(args.rounds); round += 1) {
    for (const way of ways) found.get(way)?.push(await measure(way, ...what));
  }
  return [...found].map(([way, rounds]) => [way, middle(rounds)]);
}

function middle(rounds: readonly Measurement[]): Measurement {
  const names = Object.keys(rounds[0] ?? {}) as (keyof Measurement)[];
  const figures = names.map((name) => {
    const sorted = rounds.map((each) => each[name]).toSorted((a, b) => Number(a) - Number(b));
    return [name, sorted[Math.floor(sorted.length / 2)]];
  });
  return Object.fromEntries(figures);
}

const lines: string[] = [];
const say = (line = '') => {
  lines.push(line);
  console.log(line);
};

say(`# What a call costs its caller

${cpus()[0]?.model.trim()}, ${cpus().length} cores, load average ${loadavg()[0]?.toFixed(1)} when it began, Node ${process.version}.
Microseconds a call, the clock that measures included (\`nothing\` is that alone; \`clock\` reads another,
\`copy\` copies the metadata, two of the things that a call does; \`append\` does both and appends the
record to a list; \`unsent\` is the client with nothing sent meanwhile); collector and PostgreSQL on the
same machine; medians of ${args.rounds} rounds. Flat out: 100 calls a turn of the event
loop. \`otel\` is the OpenTelemetry SDK's \`logger.emit\`, \`fetch\` a request for each event. Made by
\`npm run bench:client\`.
`);
say('| service | load | way | p50 | p99 | p99.9 | calls/s | resident MB |');
say('| --- | --- | --- | --- | --- | --- | --- | --- |');
const ways = args.beside ? (['client', 'before'] as const) : (['client', 'otel', 'fetch'] as const);
for (const load of ['paced', 'flat'] as const) {
  for (const service of Object.keys(services)) {
    const parts = load === 'paced' ? (['clock', 'copy', 'append', 'unsent'] as const) : [];
    const least = ['nothing', ...parts] as const;
    const all = service === 'up' && !args.beside ? [...least, ...ways] : ways;
    for (const [way, found] of await measureInTurn(all, load, service)) {
      const costs = [found.p50Us, found.p99Us, found.p999Us].map((us) => us.toFixed(2)).join(' | ');
      const rate = load === 'paced' ? '1,000 calls/s' : 'flat out';
      say(
        `| ${service} | ${rate} | ${way} | ${costs} | ${found.callsPerSecond} | ${found.residentMb} |`,
      );
    }
  }
}
say();
say('# What one process delivers');
say();
say('| way | events/s | CPU µs an event | what became of them |');
say('| --- | --- | --- | --- |');
const deliveries = ['client', 'grpc', ...(args.beside ? (['before', 'beforeGrpc'] as const) : [])];
for (const [way, found] of await measureInTurn(deliveries as ContenderName[], 'delivery', 'up')) {
  say(`| ${way} | ${found.eventsPerSecond} | ${found.cpuUsPerEvent.toFixed(1)} | ${found.fate} |`);
}
say();
say(`Load average ${loadavg()[0]?.toFixed(1)} when it ended.`);

const name = args.beside ? 'beside.md' : 'results.md';
writeFileSync(args.results ?? join(import.meta.dirname, name), `${lines.join('\n')}\n`);
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
