import { limits } from './limits.ts';
import type { RecordKind } from './tables.ts';

/** What kind of value a field has, and what a record that lacks it holds. */
export type FieldType =
  /** A UUID; '' for none. */
  | 'id'
  /** Microseconds since 1970; undefined for none. */
  | 'time'
  /** '' for none. */
  | 'text'
  /** Any finite number; undefined for none. */
  | 'number'
  /** A number that is not negative; undefined for none. */
  | 'amount'
  /** An amount of money, which is kept as decimal: a number, or a bigint of 10^-18 dollars. */
  | 'money'
  /** A whole number that is not negative; 0 for none. */
  | 'count'
  /** What the collector finds out about a record: 1 where it is so; undefined otherwise. */
  | 'finding'
  /** An object of JSON, kept apart from the values. */
  | 'metadata';

export interface Field {
  /** As in the contract. */
  readonly name: string;
  readonly type: FieldType;
  /** What the application's own calls name it. */
  readonly formerName?: string;
  /** Of a text. */
  readonly charactersMax?: number;
  /** Of a text: whether a record is nothing without it. */
  readonly required?: true;
  /** Of a count: the one that it is included in. */
  readonly partOf?: string;
}

/** Whether records are sent with it. */
export const isSent = ({ type }: Field): boolean => type !== 'finding';

const id: Field = { name: 'id', type: 'id' };
const timestamp: Field = { name: 'timestamp', type: 'time' };
const metadata: Field = { name: 'metadata', type: 'metadata' };
const text = (name: string, charactersMax: number): Field => ({
  name,
  type: 'text',
  charactersMax,
});
const name = (name: string): Field => text(name, limits.nameCharactersMax);
const status = text('status', limits.statusCharactersMax);

/** The fields of each kind: an id, a time, then the others in the order of the table's columns. */
export const recordFields: Readonly<Record<RecordKind, readonly Field[]>> = {
  event: [
    id,
    timestamp,
    { ...name('event_type'), required: true },
    name('component'),
    { name: 'value', type: 'number' },
    metadata,
    status,
  ],
  usage: [
    id,
    timestamp,
    { ...name('model'), required: true },
    name('layer'),
    name('provider'),
    name('operation'),
    { name: 'input_tokens', type: 'count', formerName: 'prompt_tokens' },
    { name: 'output_tokens', type: 'count', formerName: 'completion_tokens' },
    { name: 'cached_tokens', type: 'count', partOf: 'input_tokens' },
    { name: 'reasoning_tokens', type: 'count', partOf: 'output_tokens' },
    { name: 'duration_ms', type: 'amount' },
    { name: 'cost_usd', type: 'money' },
    name('ghost_id'),
    name('shell_id'),
    metadata,
    { name: 'cache_write_tokens', type: 'count', partOf: 'input_tokens' },
    { name: 'cache_write_1h_tokens', type: 'count', partOf: 'cache_write_tokens' },
    name('session_id'),
    name('response_id'),
    name('request_id'),
    name('agent'),
    name('user_id'),
    name('team'),
    name('project'),
    name('trace_id'),
    name('span_id'),
    { name: 'time_to_first_token_ms', type: 'amount' },
    status,
    name('error_type'),
    name('service_tier'),
    text('cost_source', limits.statusCharactersMax),
    text('usage_rule', limits.statusCharactersMax),
    { name: 'ambiguous', type: 'finding' },
  ],
};

/** Where a field's value is in the values of a record. */
export const slotOf = (kind: RecordKind, name: string): number =>
  recordFields[kind].findIndex((field) => field.name === name);

export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
