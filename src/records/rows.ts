import { uuidBytes, uuidText } from '../uuid.ts';
import type { ByteWriter } from './byte-writer.ts';
import { fieldNumeric } from './numeric.ts';
import type { ValidEvent, ValidUsage } from './validate.ts';

/** What every row begins with. */
interface RowStart {
  readonly id: Uint8Array;
  readonly timestampUs: number;
  readonly observedAtUs: number;
}

export function rowStart(
  valid: { readonly id: string; readonly timestampUs: number | undefined },
  rowId: Uint8Array,
  observedAtUs: number,
): RowStart {
  return {
    id: valid.id === '' ? rowId : uuidBytes(valid.id),
    timestampUs: valid.timestampUs ?? observedAtUs,
    observedAtUs,
  };
}

/** The id that the first of these rows has: it comes after the number of fields and its length. */
export const idOfRow = (rows: Uint8Array): string => uuidText(rows.subarray(6, 22));

/** Writes one row of system_telemetry, in the order of `tables.event.columns`. */
export function writeEventRow(writer: ByteWriter, start: RowStart, event: ValidEvent): void {
  writeStart(writer, 8, start);
  writer.fieldText(event.eventType);
  writer.fieldText(event.component);
  writer.fieldFloat64(event.value);
  writer.fieldJsonb(event.metadataJson);
  writer.fieldText(event.status);
}

/** Writes one row of usage_stats, in the order of `tables.usage.columns`. */
export function writeUsageRow(writer: ByteWriter, start: RowStart, usage: ValidUsage): void {
  writeStart(writer, 16, start);
  writer.fieldText(usage.model);
  writer.fieldText(usage.layer);
  writer.fieldText(usage.provider);
  writer.fieldText(usage.operation);
  writer.fieldInt64(usage.inputTokens);
  writer.fieldInt64(usage.outputTokens);
  writer.fieldInt64(usage.cachedTokens);
  writer.fieldInt64(usage.reasoningTokens);
  writer.fieldFloat64(usage.durationMs);
  fieldNumeric(writer, usage.costUsd);
  writer.fieldText(usage.ghostId);
  writer.fieldText(usage.shellId);
  writer.fieldJsonb(usage.metadataJson);
}

function writeStart(writer: ByteWriter, fields: number, start: RowStart): void {
  writer.int16(fields);
  writer.fieldUuid(start.id);
  writer.fieldTimestamp(start.timestampUs);
  writer.fieldTimestamp(start.observedAtUs);
}
