import { tables } from '../records/tables.ts';
import type { Relation } from './catalog.ts';
import { olderNames } from './older-names.ts';

const eventLevel = ['not_ok', 'cells'];
const usageLevel = ['duration_cells', 'first_token_cells'];

/** What tables have beside the columns by which they are known, whichever release has added it. */
const writtenColumns: Readonly<Record<string, readonly string[]>> = {
  system_telemetry: tables.event.columns,
  usage_stats: [...tables.usage.columns, ...Object.values(olderNames)],
  rollup_state: ['not_ok_from', 'cells_from', 'margins_from'],
  event_rollup_quarter: eventLevel,
  event_rollup_hour: eventLevel,
  event_rollup_day: eventLevel,
  usage_rollup_quarter: usageLevel,
  usage_rollup_hour: usageLevel,
  usage_rollup_day: usageLevel,
};

/** Whether tables lack some: a collector of the release before has made one anew. */
export const lackColumns = (found: ReadonlyMap<string, Relation>): boolean =>
  Object.entries(writtenColumns).some(([name, columns]) =>
    columns.some((column) => !found.get(name)?.columns[column]),
  );
