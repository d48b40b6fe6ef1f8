import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { runningServer } from '../../src/postgres/embedded/server.ts';
import { postJson } from '../../test/support/http.ts';
import { accountOf, imbalance } from '../../test/support/metrics.ts';
import { type CollectorProcess, spawnCollector } from '../../test/support/process.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { Heap } from './heap.ts';
import { type Input, nextInput } from './inputs.ts';
import { Random } from './random.ts';
import { type Result, Sender } from './send.ts';

const residentBytesMax = 256 * 1024 * 1024;
/** By how much what is still used may differ between the middle and the end. */
const growthBytesMax = 16 * 1024 * 1024;
const concurrency = 48;
/** After so many requests one that is valid goes in, and has to be stored. */
const markEvery = 200;
/** Of the requests; a machine with other work has some refused, rather than answered late. */
const overloadedShareMax = 0.05;
const triesMax = 5;
const settleMsMax = 60_000;
const retryMs = 500;

export interface Report {
  readonly seed: number;
  readonly inputs: number;
  readonly inputs_per_second: number;
  /** Inputs and requests by kind, and requests by what became of them. */
  readonly kinds: Record<string, Record<string, number>>;
  readonly records_acknowledged: number;
  readonly rows: number;
  readonly resident_mib: { start: number; end: number; peak: number };
  /** Of the heap, once garbage is collected and nothing is under way. */
  readonly used_mib: { middle: number; end: number };
  /** What broke the rules, with the input as hex. */
  readonly violations: string[];
}

/** Sends so many damaged inputs to a collector of its own, and checks it all along. */
export async function fuzz(seed: number, inputs: number): Promise<Report> {
  const directory = temporaryDirectory();
  const dataDirectory = join(directory.path, 'data');
  const collector = await spawnCollector({
    DATABASE_URL: '',
    TELEMETRY_DATA_DIR: dataDirectory,
    NODE_OPTIONS: '--inspect=127.0.0.1:0',
  });
  const run = new Run(collector, await Heap.of(collector.logs), seed, inputs);
  try {
    await run.sendAll();
    return await run.report(dataDirectory);
  } finally {
    run.close();
    await collector.end('SIGTERM');
    directory.remove();
  }
}

class Run {
  readonly #collector: CollectorProcess;
  readonly #heap: Heap;
  readonly #seed: number;
  readonly #random: Random;
  readonly #sender: Sender;
  readonly #inputs: number;
  readonly #kinds: Record<string, Record<string, number>> = {};
  readonly #violations: string[] = [];
  readonly #residentBytes: number[] = [];
  readonly #usedBytes: number[] = [];
  #sent = 0;
  #requests = 0;
  #overloaded = 0;
  #marks = 0;
  #acknowledged = 0;
  #seconds = 0;

  constructor(collector: CollectorProcess, heap: Heap, seed: number, inputs: number) {
    this.#collector = collector;
    this.#heap = heap;
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#sender = new Sender(collector.baseUrl, collector.port);
    this.#inputs = inputs;
  }

  async sendAll(): Promise<void> {
    const begin = performance.now();
    this.#measure();
    const timer = setInterval(() => this.#measure(), 500);
    for (const inputs of [this.#inputs / 2, this.#inputs]) {
      await Promise.all(Array.from({ length: concurrency }, () => this.#sendSome(inputs)));
      this.#usedBytes.push(await this.#heap.usedBytes());
    }
    clearInterval(timer);
    this.#measure();
    this.#seconds = (performance.now() - begin) / 1000;
  }

  async report(dataDirectory: string): Promise<Report> {
    const rows = await this.#checkTables(dataDirectory);
    if (this.#overloaded > this.#requests * overloadedShareMax) {
      this.#violations.push(`${this.#overloaded} of ${this.#requests} requests were put off`);
    }
    return {
      seed: this.#seed,
      inputs: this.#sent,
      inputs_per_second: Math.round(this.#sent / this.#seconds),
      kinds: this.#kinds,
      records_acknowledged: this.#acknowledged,
      rows,
      ...this.#checkMemory(),
      violations: this.#violations,
    };
  }

  close(): void {
    this.#sender.close();
    this.#heap.close();
  }

  async #sendSome(inputs: number): Promise<void> {
    while (this.#sent < inputs && this.#violations.length === 0) {
      const input = nextInput(this.#random);
      this.#sent += input.parts;
      this.#requests += 1;
      if (this.#requests % markEvery === 0) await this.#mark();
      this.#count(input, await this.#sender.send(input));
    }
  }

  #count(input: Input, result: Result): void {
    this.#kinds[input.kind] ??= { inputs: 0 };
    const kind = this.#kinds[input.kind] as Record<string, number>;
    kind.inputs = (kind.inputs ?? 0) + input.parts;
    kind[result.outcome] = (kind[result.outcome] ?? 0) + 1;
    this.#acknowledged += result.records;
    if (result.outcome === 'overloaded') this.#overloaded += 1;
    if (result.outcome !== 'violation') return;
    const { kind: name, path, target = path, contentType, headers, body } = input;
    const head = `${name} ${target} ${contentType} ${JSON.stringify(headers ?? {})}`;
    this.#violations.push(`${head} ${body.toString('hex')}: ${result.text}`);
  }

  async #mark(): Promise<void> {
    const mark = { event_type: 'MARK', value: this.#marks, idempotency_key: uuidv7() };
    this.#marks += 1;
    const post = () =>
      postJson(`${this.#collector.baseUrl}/v1/telemetry/log`, mark).catch((error) => ({
        status: 0,
        body: String(error),
      }));
    let { status, body } = await post();
    // As an honest client does: again, with the same id.
    for (let tries = 1; tries < triesMax && (status === 503 || status === 429); tries += 1) {
      await sleep(retryMs);
      ({ status, body } = await post());
    }
    if (status === 200) this.#acknowledged += 1;
    else this.#violations.push(`a valid event was answered ${status} ${JSON.stringify(body)}`);
  }

  #measure(): void {
    const { pid, exitCode, signalCode } = this.#collector.process;
    if (exitCode !== null || signalCode !== null) {
      const last = this.#collector.logs.slice(-5).join('\n');
      this.#violations.push(`the collector ended: ${exitCode ?? signalCode}\n${last}`);
      return;
    }
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    this.#residentBytes.push(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024);
  }

  /** What was acknowledged is there, what is there is accounted for, and the accounts balance. */
  async #checkTables(dataDirectory: string): Promise<number> {
    const { baseUrl } = this.#collector;
    const client = new pg.Client(runningServer(dataDirectory) as pg.ClientConfig);
    await client.connect();
    let rows = 0;
    for (const table of ['system_telemetry', 'usage_stats']) {
      const account = await settledAccountOf(baseUrl, table);
      if (imbalance(account) !== 0 || account.pending !== 0) {
        this.#violations.push(`${table} does not balance: ${JSON.stringify(account)}`);
      }
      const counted = await client.query(`select count(*)::int as count from ${table}`);
      if (counted.rows[0].count !== account.stored) {
        this.#violations.push(`${table} has ${counted.rows[0].count} rows, not ${account.stored}`);
      }
      rows += counted.rows[0].count;
    }
    const marks = await client.query(
      "select count(distinct value)::int as count from system_telemetry where event_type = 'MARK'",
    );
    await client.end();
    if (marks.rows[0].count !== this.#marks) {
      this.#violations.push(`${marks.rows[0].count} of ${this.#marks} valid events are stored`);
    }
    if (rows < this.#acknowledged) {
      this.#violations.push(`${this.#acknowledged} records were acknowledged, ${rows} are stored`);
    }
    return rows;
  }

  /**
   * Resident memory is bounded, but no sign of growth: a heap doubles before Node finds it worth a
   * collection, on a busy machine later than on another.
   */
  #checkMemory(): Pick<Report, 'resident_mib' | 'used_mib'> {
    const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
    const [start = 0, ...resident] = this.#residentBytes;
    const last = resident.slice(-Math.ceil(resident.length / 10));
    // A single one may be just before a collection of garbage.
    const end = last.reduce((sum, bytes) => sum + bytes, 0) / last.length;
    const [middle = 0, used = 0] = this.#usedBytes;
    if (end > residentBytesMax) this.#violations.push('memory is above its limit');
    if (used - middle > growthBytesMax) {
      this.#violations.push(`memory grows: from ${mib(middle)} to ${mib(used)} MiB in use`);
    }
    return {
      resident_mib: { start: mib(start), end: mib(end), peak: mib(Math.max(start, ...resident)) },
      used_mib: { middle: mib(middle), end: mib(used) },
    };
  }
}

/** On a busy machine some of it went to the spool, and comes from there a little later. */
async function settledAccountOf(baseUrl: string, table: string) {
  const endMs = performance.now() + settleMsMax;
  for (;;) {
    const account = await accountOf(baseUrl, table);
    if (account.pending === 0 || performance.now() > endMs) return account;
    await sleep(retryMs);
  }
}
