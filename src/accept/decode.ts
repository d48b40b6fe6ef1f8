import { fromBinary } from '@bufbuild/protobuf';
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

/**
 * Bytes of one record as it travels. Metadata within its limit stays well below it in every
 * encoding; beyond it, decoding would cost a hundred times the memory only to reject it.
 */
export const recordBytesMax = 512 * 1024;

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
