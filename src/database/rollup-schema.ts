import type { Generated } from 'kysely';

/** One row, which is locked by whoever changes what is rolled up. */
export interface RollupStateTable {
  only_one: Generated<boolean>;
  /** Hours and days hold what lies before, quarter hours hold all. */
  settled_at: Generated<Date>;
  /** Rows of before may be gone: nothing is computed from them again. */
  raw_floor: Generated<Date>;
  /** The same of usage. */
  usage_raw_floor: Generated<Date>;
  /** The levels have nothing of before. */
  quarter_floor: Generated<Date>;
  hour_floor: Generated<Date>;
  day_floor: Generated<Date>;
  /** From when on levels say how many events have not gone well. */
  not_ok_from: Generated<Date>;
  /** From when on hours and days have sketches in one piece. */
  cells_from: Generated<Date>;
  /** From when on levels have all margins, but for what the release before has folded since. */
  margins_from: Generated<Date>;
}

/** What transactions stored, packed: see src/rollup/packed.ts. */
export interface RollupFreshTable {
  kind: string;
  written_at: Generated<Date>;
  events: number;
  data: Buffer;
}

/** Buckets that may have several rows for a series. */
export interface RollupMergeTable {
  kind: string;
  level: string;
  bucket: Date;
  noted_at: Generated<Date>;
}

/** Partitions with rows from before there were rollups, and how far they are read. */
export interface RollupHistoryTable {
  kind: string;
  partition_name: string;
  /** What lies before is rolled up. */
  read_to: Generated<Date>;
  finished_at: Date | null;
}

/** Quarter hours from which an extreme was taken away, and which are computed anew. */
export interface RollupRepairTable {
  kind: string;
  bucket: Date;
  noted_at: Generated<Date>;
}
