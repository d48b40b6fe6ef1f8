import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { Struct, Value } from '@bufbuild/protobuf/wkt';
import type { JsonBatch } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { errorMessage } from '../errors.ts';
import { FieldFault } from '../records/limits.ts';
import { hasTooManyValues, metadataValuesMax } from '../records/metadata-values.ts';
import type { RecordKind } from '../records/tables.ts';
import type { RawBatch, RawRecord } from './raw-batch.ts';

/**
 * Bytes of one record as it travels. Metadata within its limit stays well below it in every
 * encoding; beyond it, decoding would cost a hundred times the memory only to reject it.
 */
export const recordBytesMax = 512 * 1024;

/** A record that is decoded, is faulty, or waits as it travels until its turn comes. */
export type Incoming = Event | Usage | RawRecord;

export interface IncomingList {
  readonly length: number;
  /** Undefined past the end. */
  at(index: number): Incoming | undefined;
}

export interface IncomingBatch {
  /** Protobuf where it is not said. */
  readonly form?: RawBatch['form'];
  readonly batchId: string;
  readonly events: IncomingList;
  readonly usage: IncomingList;
}

export function decodeJsonBatch({ batchId, events, usage }: JsonBatch): IncomingBatch {
  const record = <Desc extends DescMessage>(schema: Desc, value: Value) =>
    caught(() => decodeJson(schema, valueJson(value)));
  return {
    form: 'protobuf',
    batchId,
    events: events.map((value) => record(EventSchema, value)),
    usage: usage.map((value) => record(UsageSchema, value)),
  };
}

/**
 * The JSON that a message was read from. The runtime's own way back throws at a number like 1e400,
 * which is one record's fault and found by validation.
 */
export function structJson({ fields }: Struct): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, valueJson(value)]),
  );
}

function valueJson({ kind }: Value): JsonValue {
  switch (kind.case) {
    case 'structValue':
      return structJson(kind.value);
    case 'listValue':
      return kind.value.values.map(valueJson);
    case 'nullValue':
    case undefined:
      return null;
    default:
      return kind.value;
  }
}

/** Reads a message from JSON; throws a `FieldFault` that names the field. */
export function decodeJson<Desc extends DescMessage>(
  schema: Desc,
  json: JsonValue,
): MessageShape<Desc> {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw new FieldFault('', 'is not a JSON object');
  }
  const named = withCurrentNames(schema, json);
  const read = (value: JsonValue) => fromJson(schema, value, { ignoreUnknownFields: true });
  try {
    return read(named);
  } catch (error) {
    // The runtime's error does not always say where: the field that fails alone is the one.
    for (const [field, value] of Object.entries(named)) {
      try {
        read({ [field]: value });
      } catch (fieldError) {
        throw new FieldFault(field, `cannot be read: ${errorMessage(fieldError)}`);
      }
    }
    throw new FieldFault('', errorMessage(error));
  }
}

/** Names that the application's own log_usage gives to fields of usage. */
const formerNames: Readonly<Record<string, string>> = {
  prompt_tokens: 'input_tokens',
  completion_tokens: 'output_tokens',
};

function withCurrentNames(schema: DescMessage, json: JsonObject): JsonObject {
  const former = Object.entries(formerNames).filter(
    ([name, current]) => name in json && schema.fields.some((field) => field.name === current),
  );
  if (former.length === 0) return json;
  const renamed = { ...json };
  for (const [name, current] of former) renamed[current] ??= json[name] ?? null;
  return renamed;
}

const schemas = { event: EventSchema, usage: UsageSchema };

/** Reads a record from protobuf's encoding; throws a `FieldFault` where it can't be read. */
export function decodeBinary(kind: RecordKind, bytes: Uint8Array): Event | Usage {
  const schema = schemas[kind];
  if (hasTooManyValues(schema, bytes)) {
    throw new FieldFault('metadata', `has more than ${metadataValuesMax} values`);
  }
  try {
    return fromBinary<typeof EventSchema | typeof UsageSchema>(schema, bytes, {
      readUnknownFields: false,
    });
  } catch (error) {
    throw new FieldFault('', `malformed protobuf: ${errorMessage(error)}`);
  }
}

function caught<T>(decode: () => T): T | FieldFault {
  try {
    return decode();
  } catch (error) {
    if (error instanceof FieldFault) return error;
    throw error;
  }
}
