import type { Event, Usage } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { ServiceError } from '../errors.ts';
import type { FoundRecord } from '../records/json/found-records.ts';
import type { FieldFault } from '../records/limits.ts';

/** A record as it travels, or decoded already, or what is wrong with it. */
export type RawRecord = Uint8Array | FoundRecord | Event | Usage | FieldFault;

/** Records of one kind, one after the other; an array is one. */
export interface RecordList {
  readonly length: number;
  /** Undefined past the end. */
  at(index: number): RawRecord | undefined;
}

export const noRecords: RecordList = [];

/** A batch whose records are decoded one by one, as they are encoded. */
export interface RawBatch {
  /** How its records travel: as protobuf where it is not said. */
  readonly form?: 'protobuf' | 'json';
  /** Empty where the sender gives none. */
  readonly batchId: string;
  /** Its records were stored before: they may be of any age, and have costs that were computed. */
  readonly isRestored?: boolean;
  readonly events: RecordList;
  readonly usage: RecordList;
}

/** Throws a `ServiceError` of kind `invalid` for a batch of more than `rowsMax` records. */
export function checkRows(
  { events, usage }: Readonly<Record<'events' | 'usage', { readonly length: number }>>,
  rowsMax: number,
): void {
  const rows = events.length + usage.length;
  if (rows <= rowsMax) return;
  const text = `the batch has ${rows} records; at most ${rowsMax} are allowed: send several batches`;
  throw new ServiceError('invalid', text, { field: 'events' });
}
