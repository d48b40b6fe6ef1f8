import type { TestDatabase } from './database.ts';

export interface SeedEvent {
  readonly event_type: string;
  readonly component?: string | null;
  readonly value?: number | string | null;
  readonly metadata?: unknown;
  readonly status?: string | null;
  /** What PostgreSQL reads as a time; now when absent. */
  readonly timestamp?: string;
}

/** Inserts events by SQL, as older services do, past all validation. */
export async function insertEvents(
  database: TestDatabase,
  events: readonly SeedEvent[],
): Promise<void> {
  for (const event of events) {
    const { event_type, component = null, value = null, metadata, status = null } = event;
    await database.rows(
      `insert into system_telemetry (event_type, component, value, metadata, status, "timestamp")
       values ($1, $2, $3::float8, $4::jsonb, $5, coalesce($6::timestamptz, now()))`,
      [
        event_type,
        component,
        value,
        metadata === undefined ? null : JSON.stringify(metadata),
        status,
        event.timestamp ?? null,
      ],
    );
  }
}
