import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { timestampFromDate, timestampNow } from '@bufbuild/protobuf/wkt';
import { type Kysely, sql } from 'kysely';
import {
  type Collector,
  CollectorSchema,
  type GetServiceResponse,
  GetServiceResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type { Database } from '../database/schema.ts';
import { pause } from '../pause.ts';
import type { Fellows } from '../processes/fellows.ts';
import type { OwnStatus } from './own-status.ts';

const tellEveryMs = 5000;
/** Whoever has said nothing for so long is away. */
const awayAfter = sql`interval '20 seconds'`;

interface Row {
  readonly status: JsonValue;
  readonly seen_at: Date;
  readonly away: boolean;
}

/** What all collectors on the database say of themselves, each in a row that it writes anew. */
export class Collectors {
  readonly #db: Kysely<Database>;
  readonly #reader: Kysely<Database>;
  readonly #own: OwnStatus;
  readonly #fellows: Fellows;

  /** `db`: for telling, which nothing else delays; `reader`: for what others tell. */
  constructor(db: Kysely<Database>, reader: Kysely<Database>, own: OwnStatus, fellows: Fellows) {
    this.#db = db;
    this.#reader = reader;
    this.#own = own;
    this.#fellows = fellows;
  }

  /** Tells until the signal. A database that is away is told later. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#tell().catch(() => {});
      await pause(tellEveryMs, signal);
    }
    await sql`delete from telemetry_collectors where collector = ${this.#own.id}`
      .execute(this.#db)
      .catch(() => {});
  }

  async #tell(): Promise<void> {
    const status = JSON.stringify(await this.own());
    await sql`
      insert into telemetry_collectors (collector, status) values (${this.#own.id}, ${status}::jsonb)
      on conflict (collector) do update set status = excluded.status, seen_at = now()`.execute(
      this.#db,
    );
    await sql`
      delete from telemetry_collectors where seen_at < now() - interval '1 day'`.execute(this.#db);
  }

  /** What is told of this process, in JSON. */
  readonly own = async (): Promise<JsonValue> => toJson(CollectorSchema, await this.#own.now());

  /** Itself first, with its processes; the others as the database has them, where it answers. */
  readonly all = async (): Promise<GetServiceResponse> => {
    const own = await this.#own.now();
    const [fellows, others] = await Promise.all([
      this.#fellows.ask('status'),
      this.#others().catch(() => []),
    ]);
    const told = fellows.map((each) => fromJson(CollectorSchema, each as JsonValue));
    const known = new Set(told.map(({ id }) => id));
    const collectors = [
      create(CollectorSchema, { ...own, answering: true }),
      ...told,
      ...others.filter(({ id }) => !known.has(id)),
    ];
    return create(GetServiceResponseSchema, { asOf: timestampNow(), collectors });
  };

  async #others(): Promise<Collector[]> {
    const { rows } = await sql<Row>`
      select status, seen_at, seen_at < now() - ${awayAfter} as away from telemetry_collectors
      where collector <> ${this.#own.id} and seen_at > now() - interval '1 hour'
      order by status ->> 'host', collector`.execute(this.#reader);
    // Those of another release may say more, or less.
    return rows.flatMap(readRow);
  }
}

/** Nothing where what is told can't be read: the others are told all the same. */
function readRow({ status, seen_at, away }: Row): Collector[] {
  try {
    const told = fromJson(CollectorSchema, status, { ignoreUnknownFields: true });
    return [create(CollectorSchema, { ...told, seenAt: timestampFromDate(seen_at), away })];
  } catch {
    return [];
  }
}
