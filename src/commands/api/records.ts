import {
  EventSchema,
  UsageSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import type { Kind } from './record-flags.ts';

/** A record as the REST names give it: null where there is nothing. */
export type FlatRecord = Readonly<Record<string, unknown>>;

const fields = { event: EventSchema.fields, usage: UsageSchema.fields } as const;

/** Fields that a record may be sent with. */
export const sentFields: Readonly<Record<Kind, readonly string[]>> = {
  event: fields.event.map(({ name }) => name),
  usage: fields.usage.map(({ name }) => name),
};

/** What the collector says of a record besides. */
const toldFields = { event: ['observed_at'], usage: ['ambiguous', 'observed_at'] } as const;

/** What an export has of each record: id and time first. */
export const columnsOf: Readonly<Record<Kind, readonly string[]>> = {
  event: ordered('event'),
  usage: ordered('usage'),
};

function ordered(kind: Kind): string[] {
  const first = ['id', 'timestamp'];
  const rest = sentFields[kind].filter((name) => !first.includes(name) && name !== 'metadata');
  return [...first, ...rest, 'metadata', ...toldFields[kind]];
}

export type ColumnType = 'text' | 'number' | 'count' | 'truth' | 'json';

/** What a column holds. */
export function typeOf(kind: Kind, column: string): ColumnType {
  if (column === 'ambiguous') return 'truth';
  if (column === 'metadata') return 'json';
  const field = fields[kind].find(({ name }) => name === column);
  if (field?.fieldKind !== 'scalar' || field.scalar === 9) return 'text';
  return field.scalar === 1 ? 'number' : 'count';
}

/** Which kind a record is of, by what every record of a kind has. */
export function kindOf(names: readonly string[]): Kind | undefined {
  if (names.includes('event_type')) return 'event';
  return names.includes('model') ? 'usage' : undefined;
}
