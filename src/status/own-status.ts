import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate, timestampFromMs, timestampNow } from '@bufbuild/protobuf/wkt';
import type { Registry } from 'prom-client';
import {
  type AckLatencySchema,
  type Collector,
  CollectorSchema,
  type ServiceSampleSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type { KeyRing } from '../admin/key-ring.ts';
import type { KeyUse } from '../admin/key-use.ts';
import type { Health } from '../observe/health.ts';
import { minuteMs, secondMs } from '../units.ts';
import { newUuidV7 } from '../uuid.ts';
import { totalOf } from './counted.ts';
import type { Ledger } from './ledger.ts';
import { Looks } from './looks.ts';

/** What a collector knows of itself. */
export interface StatusParts {
  readonly version: string;
  readonly dataDirectory: string;
  readonly spoolBytesMax: number;
  readonly health: Health;
  readonly registry: Registry;
  readonly ring: KeyRing;
  readonly buffer: { readonly bytes: number };
  readonly spools: readonly { readonly bytes: number }[];
}

const keysMax = 100;
const samplesMax = 60;

/** What a collector says of itself, with a sample of each minute of the last hour. */
export class OwnStatus {
  readonly id = newUuidV7();
  readonly #parts: StatusParts;
  readonly #looks: Looks;
  readonly #startedAt = timestampFromMs(Math.round(Date.now() - process.uptime() * secondMs));
  #samples: MessageInitShape<typeof ServiceSampleSchema>[] = [];
  #sampledAtMs = performance.now();

  constructor(parts: StatusParts) {
    this.#parts = parts;
    this.#looks = new Looks(parts.registry);
  }

  /** As of now. To be called every few seconds: rates are of the time since a minute ago. */
  async now(): Promise<Collector> {
    const { version, dataDirectory, health, buffer, spoolBytesMax } = this.#parts;
    const { ledger } = await this.#looks.look();
    const { cpu, ...rates } = this.#looks.rates;
    const waiting = await this.#waiting(ledger);
    await this.#sample(ledger);
    const keys = this.#keys();
    const disk = await statfs(dataDirectory).catch(() => undefined);
    return create(CollectorSchema, {
      id: this.id,
      host: hostname(),
      version,
      startedAt: this.#startedAt,
      seenAt: timestampNow(),
      ready: health.obstacles.every(({ blocking }) => !blocking),
      reasons: health.obstacles.map(({ since, ...each }) => ({
        ...each,
        since: timestampFromDate(since),
      })),
      rates,
      ackLatencyMs: this.#acknowledged(),
      ...waiting,
      queueBytes: BigInt(buffer.bytes),
      spoolBytes: BigInt(this.#spoolBytes),
      spoolBytesMax: BigInt(spoolBytesMax),
      streams: await this.#metric('telemetry_streams'),
      tails: await this.#metric('telemetry_tails'),
      connections: await this.#metric('telemetry_connections'),
      ledger: Object.fromEntries(
        Object.entries(ledger).map(([name, count]) => [name, BigInt(count)]),
      ),
      keys,
      memoryBytes: BigInt(process.memoryUsage.rss()),
      cpu,
      ...(disk && {
        diskBytes: BigInt(disk.blocks) * BigInt(disk.bsize),
        diskFreeBytes: BigInt(disk.bavail) * BigInt(disk.bsize),
      }),
      samples: this.#samples,
    });
  }

  async #sample(ledger: Ledger): Promise<void> {
    if (performance.now() - this.#sampledAtMs < minuteMs) return;
    this.#sampledAtMs = performance.now();
    const { stored, received } = this.#looks.rates;
    const { p50, p99 } = this.#acknowledged();
    this.#samples.push({
      time: timestampNow(),
      storedPerSecond: stored,
      receivedPerSecond: received,
      ...(p50 !== undefined && { ackP50Ms: p50 }),
      ...(p99 !== undefined && { ackP99Ms: p99 }),
      ...(await this.#waiting(ledger)),
    });
    this.#samples = this.#samples.slice(-samplesMax);
  }

  #acknowledged(): MessageInitShape<typeof AckLatencySchema> {
    const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 };
    const found = Object.entries(quantiles).map(([name, share]) => [
      name,
      this.#looks.acknowledgedMs(share),
    ]);
    return Object.fromEntries(found.filter(([, ms]) => ms !== undefined));
  }

  /** While something is spooled, what is in memory is counted with it. */
  async #waiting({ pending }: Ledger) {
    const isSpooled = this.#spoolBytes > 0;
    return {
      queueRecords: BigInt(isSpooled ? 0 : pending),
      spoolRecords: BigInt(isSpooled ? pending : 0),
      lagMs: isSpooled ? (await this.#metric('telemetry_spool_oldest_age_seconds')) * secondMs : 0,
    };
  }

  get #spoolBytes(): number {
    return this.#parts.spools.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async #metric(name: string): Promise<number> {
    return await totalOf(this.#parts.registry, name);
  }

  #ratesOf({ name, limits }: KeyUse) {
    const { taken, asked } = this.#looks.ratesOf(name);
    const { recordsPerSecond: limit } = limits;
    return { recordsPerSecond: taken, ...(limit && { quotaShare: asked / limit }) };
  }

  #keys() {
    return this.#parts.ring.activities
      .toSorted((a, b) => b.use.records.taken - a.use.records.taken)
      .slice(0, keysMax)
      .map(({ use, scopes, streams, lastUsedMs }) => ({
        ...this.#ratesOf(use),
        name: use.name === 'anonymous' ? '' : use.name,
        scopes: [...scopes],
        streams,
        requests: BigInt(use.requests),
        records: BigInt(use.records.taken),
        recordsRefused: BigInt(use.records.refused),
        queries: BigInt(use.queries),
        ...(lastUsedMs > 0 && { lastUsedAt: timestampFromMs(lastUsedMs) }),
      }));
  }
}
