import { type RawBuilder, sql } from 'kysely';
import { ServiceError } from '../../errors.ts';
import type { RecordKind } from '../../records/tables.ts';

/** Something by which records are told apart. */
export interface Dimension {
  /** As requests and answers call it. */
  readonly name: string;
  /** The column that has it; undefined where it is in the metadata. */
  readonly column: string | undefined;
  /** Of a row of the table: null where it has none. */
  readonly of: RawBuilder<string | null>;
}

const columns: Readonly<Record<RecordKind, Readonly<Record<string, string>>>> = {
  event: { component: 'component', event_type: 'event_type', status: 'status' },
  usage: {
    model: 'model',
    layer: 'layer',
    provider: 'provider',
    operation: 'operation',
    agent: 'agent',
    project: 'project',
    team: 'team',
    user: 'user_id',
    session: 'session_id',
    ghost: 'ghost_id',
    shell: 'shell_id',
    status: 'status',
    error_type: 'error_type',
  },
};

export const dimensionNames = (kind: RecordKind): string[] => Object.keys(columns[kind]);

const columnOf = (kind: RecordKind, name: string): string | undefined =>
  Object.entries(columns[kind]).find((names) => names.includes(name))?.[1];

/** An empty text stands for none, as a client may have sent it. */
const textOrNull = (column: string): RawBuilder<string | null> =>
  sql`nullif(${sql.ref(column)}, '')`;

const groupTextMax = 256;
const dimensionsMax = 8;
const metadataName = /^metadata\.(.+)$/s;

/** What is asked for by `group_by`. Throws where there is no such dimension. */
export function readGroupBy(kind: RecordKind, names: readonly string[]): Dimension[] {
  if (names.length > dimensionsMax) {
    throw invalid(`has ${names.length} names; the most are ${dimensionsMax}`);
  }
  if (new Set(names).size < names.length) throw invalid('has a name twice');
  return names.map((name) => {
    const column = columnOf(kind, name);
    if (column !== undefined) return { name, column, of: textOrNull(column) };
    const key = metadataName.exec(name)?.[1];
    if (key === undefined) {
      const known = dimensionNames(kind).join(', ');
      throw invalid(`has ${JSON.stringify(name)}, none of ${known} and metadata.<name>`);
    }
    const of = sql<
      string | null
    >`nullif(left(metadata ->> ${key}::text, ${sql.lit(groupTextMax)}), '')`;
    return { name, column: undefined, of };
  });
}

const invalid = (reason: string) =>
  new ServiceError('invalid', `group_by ${reason}`, { field: 'group_by' });

/** The number that is asked for by `value`: a column, unless it is one of the metadata. */
export function readValue(text: string, column: string): RawBuilder<number | null> | undefined {
  if (text === '' || text === column) return undefined;
  const key = metadataName.exec(text)?.[1];
  if (key === undefined) {
    const reason = `value is ${JSON.stringify(text)}, neither ${column} nor metadata.<name>`;
    throw new ServiceError('invalid', reason, { field: 'value' });
  }
  const number = sql`(metadata ->> ${key}::text)::numeric`;
  // A numeric beyond what doubles hold would fail the question for everybody.
  return sql`(case when jsonb_typeof(metadata -> ${key}::text) = 'number' then
    case when abs(${number}) <= 1.79769313486231e308 then round(${number}, 300)::float8 end end)`;
}
