import { existsSync } from 'node:fs';
import { freePort } from '../../test/support/free-port.ts';
import type { Bench, Contestant, Lineup, Sample } from '../support/bench.ts';
import { startHttp, whileMeasuring } from '../support/measure.ts';
import type { BenchPostgres } from '../support/postgres.ts';
import { type Running, startProgram } from './beside/peer.ts';

const python = new URL('../.venv/bin/python', import.meta.url).pathname;
const folder = import.meta.dirname;
const command = (
  '-m uvicorn rfc_service:app --loop uvloop --http httptools --timeout-keep-alive 60 ' +
  '--log-level warning --no-access-log'
).split(' ');
const connections = 64;

/** Make marks what has been installed to its end. */
export const rfcInstalled = (): boolean =>
  existsSync(new URL('../.venv/.installed', import.meta.url));

interface RfcService extends Running {
  readonly port: number;
}

/** Of the one database. */
export async function startService(
  { host, user, database }: BenchPostgres['connection'],
  batchRows: number,
  port: number,
): Promise<RfcService> {
  const running = await startProgram(
    [python, ...command, '--app-dir', folder, '--port', String(port)],
    port,
    { PGHOST: host, PGUSER: user, PGDATABASE: database, BATCH_ROWS: String(batchRows) },
  );
  return { ...running, port };
}

/** Posts at a rate, until all that was taken is in the table. */
async function measure(
  bench: Bench,
  service: RfcService,
  rate: number,
  seconds = bench.sizes.seconds,
): Promise<Sample> {
  const shape = { connections, seconds, requestsPerSecond: rate };
  const load = await startHttp(bench, shape, service.port);
  const measured = await whileMeasuring(bench, service.pid, async () => {
    const result = await load.go();
    await bench.postgres.untilRows(result.rows, { secondsMax: 120 });
    return result;
  });
  const { rows, refusals, cpuSeconds, p50_ms, p99_ms } = measured.result;
  return {
    rows,
    seconds: measured.seconds,
    cpuSeconds: { client: cpuSeconds, ...measured.cpu },
    figures: { p50_ms, p99_ms, refusals },
  };
}

/** One of each batch size, offered what it stored most of when all rates were tried. */
export async function openRfcServices(bench: Bench): Promise<Lineup> {
  const contestants: Contestant[] = [];
  const rows: Record<string, number>[] = [];
  const services: RfcService[] = [];
  for (const batchRows of bench.sizes.sweep.batchRows) {
    const service = await startService(bench.postgres.connection, batchRows, await freePort());
    services.push(service);
    const tried = await tryRates(bench, service);
    rows.push(...tried.map((each) => ({ batch_rows: batchRows, ...each })));
    const best = tried.reduce((a, b) => (b.stored_per_s > a.stored_per_s ? b : a));
    const rate = best.offered_per_s;
    contestants.push({
      name: `RFC’s own design, by ${batchRows}, ${rate.toLocaleString('en')}/s offered`,
      measure: () => measure(bench, service, rate),
    });
  }
  return {
    contestants,
    tables: [{ title: 'The RFC’s own design at each batch size and offered rate', rows }],
    close: async () => {
      for (const service of services) await service.stop('SIGTERM');
    },
  };
}

async function tryRates(bench: Bench, service: RfcService) {
  const tried: { offered_per_s: number; stored_per_s: number; refusals: number }[] = [];
  for (const rate of bench.sizes.sweep.rates) {
    await bench.postgres.reset();
    const sample = await measure(bench, service, rate, bench.sizes.sweep.seconds);
    const stored = sample.rows / sample.seconds;
    const { refusals = 0 } = sample.figures;
    tried.push({ offered_per_s: rate, stored_per_s: stored, refusals });
    bench.onProgress(`RFC’s own design, ${rate}/s offered: ${Math.round(stored)} rows/s`);
  }
  return tried;
}
