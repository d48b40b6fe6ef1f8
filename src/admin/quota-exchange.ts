import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { newUuidV7 } from '../uuid.ts';
import type { KeyRing } from './key-ring.ts';
import type { KeyUse } from './key-use.ts';

/** What a collector tells counts for so long. */
const validSeconds = 5;
/** What is told is the mean of about so many seconds. */
const smoothing = 0.5;
/** What a collector is left of a quota that it has no callers for, so that they can begin. */
const idleShare = 0.04;

type Demand = readonly [records: number, bytes: number];
const nothing: Demand = [0, 0];
type Demands = Readonly<Record<string, Demand>>;

/**
 * Divides quotas between collectors: each tells the others what its callers ask for, and takes that
 * part of the quota. While the database is away, each goes on with the part that it had last.
 */
export class QuotaExchange {
  readonly #db: Kysely<Database>;
  readonly #ring: KeyRing;
  readonly #id = newUuidV7();
  readonly #demand = new Map<string, Demand>();
  #measuredAt = performance.now();
  #hasTold = false;

  constructor(db: Kysely<Database>, ring: KeyRing) {
    this.#db = db;
    this.#ring = ring;
  }

  /** Sees what was asked for since it was last called. */
  measure(): void {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#measuredAt) / 1000);
    this.#measuredAt = now;
    for (const { name, asked } of this.#limited) {
      const [records, bytes] = this.#demand.get(name) ?? nothing;
      const mean = (old: number, latest: number) => old + smoothing * (latest / seconds - old);
      this.#demand.set(name, [mean(records, asked.records), mean(bytes, asked.bytes)]);
      asked.records = asked.bytes = 0;
    }
  }

  /** Tells and hears, and takes its part; throws what the database says. */
  async run(): Promise<void> {
    const limited = this.#limited;
    if (limited.length === 0 && !this.#hasTold) return;
    await this.#tell(limited);
    const others = await this.#hear();
    for (const use of limited) {
      const own = this.#demand.get(use.name) ?? nothing;
      const theirs = others.map((demands) => demands[use.name] ?? nothing);
      use.share(part(own, theirs, 0), part(own, theirs, 1));
    }
  }

  get #limited(): readonly KeyUse[] {
    return this.#ring.uses.filter(
      ({ limits }) => limits.recordsPerSecond !== undefined || limits.bytesPerSecond !== undefined,
    );
  }

  async #tell(limited: readonly KeyUse[]): Promise<void> {
    const demand = JSON.stringify(
      Object.fromEntries(limited.map(({ name }) => [name, this.#demand.get(name) ?? nothing])),
    );
    await this.#db
      .insertInto('telemetry_key_demand')
      .values({ collector: this.#id, demand })
      .onConflict((conflict) =>
        conflict.column('collector').doUpdateSet({ demand, seen_at: sql`now()` }),
      )
      .execute();
    this.#hasTold = true;
  }

  /** What the other collectors have told; those that are gone are forgotten. */
  async #hear(): Promise<Demands[]> {
    await this.#db
      .deleteFrom('telemetry_key_demand')
      .where('seen_at', '<', sql<Date>`now() - interval '1 minute'`)
      .execute();
    const rows = await this.#db
      .selectFrom('telemetry_key_demand')
      .select('demand')
      .where('collector', '<>', this.#id)
      .where('seen_at', '>', sql<Date>`now() - make_interval(secs => ${validSeconds})`)
      .execute();
    return rows.map(({ demand }) => demand as Demands);
  }
}

/** Of 1: what is asked for here, of what is asked for anywhere. */
function part(own: Demand, others: readonly Demand[], which: 0 | 1): number {
  const all = own[which] + others.reduce((sum, demand) => sum + demand[which], 0);
  const count = others.length + 1;
  if (all === 0) return 1 / count;
  // Of equal weight for all, so that the parts are one.
  const idle = count === 1 ? 0 : idleShare;
  return (1 - idle) * (own[which] / all) + idle / count;
}
