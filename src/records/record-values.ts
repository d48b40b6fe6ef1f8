import type { JsonObject } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Event, Usage } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { camelCase, type Field, recordFields } from './fields.ts';
import { FieldFault } from './limits.ts';
import { microseconds } from './rfc3339.ts';
import type { RecordKind } from './tables.ts';

/** As `FieldType` has it. */
export type FieldValue = string | number | bigint | undefined;

const nothing: Buffer = Buffer.alloc(0);

/** One record as it was read, before any rule is applied to it; used for one after another. */
export class RecordValues {
  readonly kind: RecordKind;
  readonly fields: readonly Field[];
  /** By field, in the order of `fields`. */
  readonly values: FieldValue[];
  /** The JSON of its metadata, where it came as JSON: bytes from a position to another, or none. */
  json = nothing;
  jsonAt = 0;
  jsonEnd = 0;
  /** As the scanner says it. */
  jsonIsPlain = false;
  /** Its metadata, where it came as protobuf. */
  struct: JsonObject | undefined;
  readonly #empty: readonly FieldValue[];
  readonly #localNames: readonly string[];

  constructor(kind: RecordKind) {
    this.kind = kind;
    this.fields = recordFields[kind];
    this.#empty = this.fields.map(emptyValue);
    this.#localNames = this.fields.map(({ name }) => camelCase(name));
    this.values = [...this.#empty];
  }

  clear(): void {
    for (let slot = 0; slot < this.values.length; slot++) this.values[slot] = this.#empty[slot];
    this.json = nothing;
    this.jsonAt = this.jsonEnd = 0;
    this.struct = undefined;
  }

  /** Takes the values of a message; throws a `FieldFault` for a time that is none. */
  readMessage(message: Event | Usage): void {
    this.clear();
    this.struct = message.metadata;
    const given = message as unknown as Readonly<Record<string, unknown>>;
    this.fields.forEach(({ type }, slot) => {
      const value = given[this.#localNames[slot] as string];
      if (type === 'finding') return;
      if (type === 'time') this.values[slot] = timestampUs(value as Timestamp | undefined);
      else if (type === 'count') this.values[slot] = Number(value);
      else if (type !== 'metadata') this.values[slot] = value as FieldValue;
    });
  }
}

const emptyValue = ({ type }: Field): FieldValue => {
  if (type === 'text' || type === 'id') return '';
  return type === 'count' ? 0 : undefined;
};

function timestampUs(timestamp: Timestamp | undefined): number | undefined {
  if (!timestamp) return undefined;
  const { seconds, nanos } = timestamp;
  if (nanos < 0 || nanos > 999_999_999) {
    throw new FieldFault('timestamp', `has ${nanos} nanoseconds; from 0 to 999999999 are allowed`);
  }
  return microseconds({ seconds: Number(seconds), nanos });
}
