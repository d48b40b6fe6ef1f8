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
import { hasTooManyValues, metadataValuesMax } from '../records/metadata-values.ts';
import { FieldFault } from '../records/validate.ts';

/**
 * Bytes of one record as it travels. Metadata within its limit stays well below it in every
 * encoding; beyond it, decoding would cost a hundred times the memory only to reject it.
 */
export const recordBytesMax = 512 * 1024;

/** A record that is decoded, is faulty, or waits in protobuf's encoding until its turn comes. */
export type Incoming<R> = R | FieldFault | Uint8Array;

export interface IncomingBatch {
  readonly batchId: string;
  readonly events: readonly Incoming<Event>[];
  readonly usage: readonly Incoming<Usage>[];
}

export function decodeJsonBatch({ batchId, events, usage }: JsonBatch): IncomingBatch {
  const record = <Desc extends DescMessage>(schema: Desc, value: Value) =>
    caught(() => decodeJson(schema, valueJson(value)));
  return {
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

/** Reads a message from protobuf's encoding. */
export function decodeBinary<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> | FieldFault {
  if (bytes.byteLength > recordBytesMax) {
    return new FieldFault('', `is ${bytes.byteLength} bytes long; ${recordBytesMax} are allowed`);
  }
  if (hasTooManyValues(schema, bytes)) {
    return new FieldFault('metadata', `has more than ${metadataValuesMax} values`);
  }
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    return new FieldFault('', `malformed protobuf: ${errorMessage(error)}`);
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
