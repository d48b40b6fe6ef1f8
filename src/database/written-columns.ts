import { tables } from '../records/tables.ts';
import type { Relation } from './catalog.ts';
import { olderNames } from './older-names.ts';

/** What tables have beside the columns by which they are known, whichever release has added it. */
const writtenColumns: Readonly<Record<string, readonly string[]>> = {
  system_telemetry: tables.event.columns,
  usage_stats: [...tables.usage.columns, ...Object.values(olderNames)],
  rollup_state: ['not_ok_from'],
  event_rollup_quarter: ['not_ok'],
  event_rollup_hour: ['not_ok'],
  event_rollup_day: ['not_ok'],
};

/** Whether tables lack some: a collector of the release before has made one anew. */
export const lackColumns = (found: ReadonlyMap<string, Relation>): boolean =>
  Object.entries(writtenColumns).some(([name, columns]) =>
    columns.some((column) => !found.get(name)?.columns[column]),
  );
