import type { ColumnType, Generated, JSONColumnType } from 'kysely';

/** Days on which retention has looked, by the clock that it went by. */
export interface RetentionDayTable {
  /** Midnight, UTC. */
  day: ColumnType<Date, string, string>;
}

/** Partitions whose rows were dropped. */
export interface RetentionDropTable {
  id: Generated<string>;
  table_name: string;
  partition_name: string;
  from_time: Date;
  to_time: Date;
  bytes: string;
  reason: string;
  dropped_at: Generated<Date>;
}

/** Nights on which the rollups were compared with the rows. */
export interface RollupVerificationTable {
  night: ColumnType<Date, string, string>;
  started_at: Date;
  finished_at: Generated<Date>;
  from_time: Date | null;
  to_time: Date | null;
  differences: number;
  found: JSONColumnType<readonly object[]>;
  changes: JSONColumnType<Readonly<Record<string, string>>>;
}
