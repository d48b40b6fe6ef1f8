import type { JsonObject } from '@bufbuild/protobuf';
import { type RawBuilder, sql } from 'kysely';
import type {
  EventFilter,
  UsageFilter,
} from '../../../gen/typescript/gravitas/telemetry/v1/question_pb.js';
import { ServiceError } from '../../errors.ts';
import { isCost } from '../../rollup/sums.ts';
import { withoutLoneHalves } from '../../serve/json-decoder.ts';

/** Which records a question is about. */
export interface Filter {
  /** Conditions on columns, which are dimensions of rollups, too, as far as these have them. */
  readonly conditions: readonly ColumnCondition[];
  /** Conditions that only rows can tell. */
  readonly ofRows: readonly RawBuilder<boolean>[];
}

interface ColumnCondition {
  readonly column: string;
  /** Any of these; null for records that have none. */
  readonly values: readonly (string | null)[];
  readonly meets: RawBuilder<boolean>;
}

const valuesMax = 1000;

/** `single`: of older requests, where an empty text does not matter. */
export function eventFilter(
  filter: EventFilter | undefined,
  single: { component?: string; eventType?: string; status?: string },
): Filter {
  return {
    conditions: [
      ...any('components', 'component', filter?.components),
      ...any('event_types', 'event_type', filter?.eventTypes),
      ...any('statuses', 'status', filter?.statuses),
      ...any('component', 'component', given(single.component)),
      ...any('event_type', 'event_type', given(single.eventType)),
      ...any('status', 'status', given(single.status)),
    ],
    ofRows: containing(filter?.metadata),
  };
}

export function usageFilter(
  filter: UsageFilter | undefined,
  single: { model?: string; layer?: string },
): Filter {
  return {
    conditions: [
      ...any('models', 'model', filter?.models),
      ...any('layers', 'layer', filter?.layers),
      ...any('providers', 'provider', filter?.providers),
      ...any('operations', 'operation', filter?.operations),
      ...any('agents', 'agent', filter?.agents),
      ...any('projects', 'project', filter?.projects),
      ...any('teams', 'team', filter?.teams),
      ...any('users', 'user_id', filter?.users),
      ...any('sessions', 'session_id', filter?.sessions),
      ...any('ghosts', 'ghost_id', filter?.ghosts),
      ...any('shells', 'shell_id', filter?.shells),
      ...any('statuses', 'status', filter?.statuses),
      ...any('error_types', 'error_type', filter?.errorTypes),
      ...any('model', 'model', given(single.model)),
      ...any('layer', 'layer', given(single.layer)),
    ],
    ofRows: [
      ...containing(filter?.metadata),
      ...(filter?.unpriced ? [sql<boolean>`not ${hasCost}`] : []),
    ],
  };
}

export const hasCost = isCost(sql.ref('cost_usd'));

/** All of a filter, as a condition on rows. */
export const meets = ({ conditions, ofRows }: Filter): RawBuilder<boolean> =>
  sql.join(
    [sql`true`, ...conditions.map((each) => each.meets), ...ofRows],
    sql` and `,
  ) as RawBuilder<boolean>;

const given = (value: string | undefined): string[] => (value ? [value] : []);

function any(field: string, column: string, values: readonly string[] = []): ColumnCondition[] {
  if (values.length === 0) return [];
  if (values.length > valuesMax) {
    const reason = `${field} has ${values.length} values; the most are ${valuesMax}`;
    throw new ServiceError('invalid', reason, { field });
  }
  const name = sql.ref(column);
  const texts = values.filter((value) => value !== '');
  // As a single value, what PostgreSQL knows of how frequent it is counts.
  const isAny =
    texts.length === 1
      ? sql<boolean>`${name} = ${texts[0]}`
      : sql<boolean>`${name} = any(${texts}::text[])`;
  if (texts.length === values.length) return [{ column, values, meets: isAny }];
  const none = sql<boolean>`(${isAny} or ${name} is null or ${name} = '')`;
  return [{ column, values: [...values, null], meets: none }];
}

function containing(metadata: JsonObject | undefined): RawBuilder<boolean>[] {
  if (!metadata || Object.keys(metadata).length === 0) return [];
  const text = withoutLoneHalves(JSON.stringify(metadata, refuseNoNumber));
  if (/(?<!\\)(\\\\)*\\u0000/.test(text)) {
    throw new ServiceError('invalid', 'metadata contains NUL', { field: 'metadata' });
  }
  return [sql`metadata @> ${text}::jsonb`];
}

/** JSON would have null in the place of an infinite number, which asks for something else. */
function refuseNoNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  const reason = `metadata contains ${value}, which no metadata does`;
  throw new ServiceError('invalid', reason, { field: 'metadata' });
}
