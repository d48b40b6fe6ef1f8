import { statfs } from 'node:fs/promises';
import type { Config } from '../config.ts';
import type { RecordKind } from '../records/tables.ts';
import type { Level } from '../rollup/shapes.ts';
import { dayMs } from '../units.ts';

/** What the embedded database may have of its disk: the spool and PostgreSQL's log are there too. */
const diskShare = 0.7;

/** For how long what is kept, in days; Infinity: for ever. */
export interface RetentionOptions {
  readonly rowDays: Readonly<Record<RecordKind, number>>;
  /** By level: no shorter than that of the rows, or than that of a finer level. */
  readonly levelDays: Readonly<Record<Level, number>>;
  readonly deadLetterDays: number;
  readonly auditDays: number;
  /** Of all tables together; Infinity: none. */
  readonly bytesMax: number;
  readonly dropsAdopted: boolean;
  /** Partitions of what may still be sent stay, though their rows are gone. */
  readonly recordAgeMsMax: number;
}

const days = (given: number): number => (given === 0 ? Infinity : given);

/** What concerns rows of records alone. */
export function keptRows(config: Config): Pick<RetentionOptions, 'rowDays' | 'dropsAdopted'> {
  return {
    rowDays: { event: days(config.retentionEventDays), usage: days(config.retentionUsageDays) },
    dropsAdopted: config.retentionAdopted === 'drop',
  };
}

export async function retentionOptions(config: Config): Promise<RetentionOptions> {
  const { rowDays, dropsAdopted } = keptRows(config);
  const quarter = Math.max(days(config.retentionQuarterDays), rowDays.event, rowDays.usage);
  const hour = Math.max(days(config.retentionHourDays), quarter);
  return {
    rowDays,
    levelDays: { quarter, hour, day: Math.max(days(config.retentionDayDays), hour) },
    deadLetterDays: days(config.retentionDeadLetterDays),
    auditDays: days(config.retentionAuditDays),
    bytesMax: await bytesMaxOf(config),
    dropsAdopted,
    recordAgeMsMax: config.eventAgeDaysMax * dayMs,
  };
}

async function bytesMaxOf(config: Config): Promise<number> {
  const { retentionBytesMax: given, databaseUrl, dataDirectory } = config;
  if (given !== 'auto') return given === 0 ? Infinity : given;
  if (databaseUrl !== '') return Infinity;
  const { blocks, bsize } = await statfs(dataDirectory);
  return Math.floor(blocks * bsize * diskShare);
}
