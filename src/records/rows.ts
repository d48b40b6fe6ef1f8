import { uuidBytes, uuidText } from '../uuid.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { Field } from './fields.ts';
import { MetadataWriter } from './json/metadata.ts';
import { fieldNumeric } from './numeric.ts';
import type { RecordValues } from './record-values.ts';
import { byKind, tables } from './tables.ts';

/** The fields that are written with them. */
const fieldsAtStart = 2;

/** Whether a row says that it is rolled up in the transaction that stores it. */
const saysRolled = byKind((kind) => tables[kind].columns.some((column) => column === 'rolled'));

/** The id that the first of these rows has: it comes after the number of fields and its length. */
export const idOfRow = (rows: Uint8Array): string => uuidText(rows, 6);

/** Writes records as rows, in the order of `tables`. */
export class RowWriter {
  readonly metadata = new MetadataWriter();
  readonly #writer: ByteWriter;
  observedAtUs: number;

  constructor(writer: ByteWriter, observedAtUs: number) {
    this.#writer = writer;
    this.observedAtUs = observedAtUs;
  }

  /**
   * Writes a record that meets the rules; `rowId` is for one without an id. Throws a `FieldFault`
   * of its metadata, with part of the row written.
   */
  write(record: RecordValues, rowId: Uint8Array): void {
    const writer = this.#writer;
    const { kind, fields, values } = record;
    const [id, timestampUs] = values as [string, number | undefined];
    writer.int16(tables[kind].columns.length);
    writer.fieldUuid(id === '' ? rowId : uuidBytes(id));
    writer.fieldTimestamp(timestampUs ?? this.observedAtUs);
    writer.fieldTimestamp(this.observedAtUs);
    for (let slot = fieldsAtStart; slot < fields.length; slot++) {
      const value = values[slot];
      switch ((fields[slot] as Field).type) {
        case 'text':
          writer.fieldText(value as string);
          break;
        case 'count':
          writer.fieldInt64(value as number);
          break;
        case 'money':
          fieldNumeric(writer, value as number | bigint | undefined);
          break;
        case 'finding':
          writer.fieldTrue(value !== undefined);
          break;
        case 'metadata':
          this.#metadata(record);
          break;
        default:
          writer.fieldFloat64(value as number | undefined);
      }
    }
    if (saysRolled[kind]) writer.fieldTrue(true);
  }

  #metadata({ json, jsonAt, jsonEnd, jsonIsPlain, struct }: RecordValues): void {
    if (struct) {
      const text = Buffer.from(JSON.stringify(struct));
      this.metadata.write(text, 0, text.length, this.#writer);
    } else if (jsonEnd > 0) {
      this.metadata.write(json, jsonAt, jsonEnd, this.#writer, jsonIsPlain);
    } else {
      this.#writer.fieldNull();
    }
  }
}
