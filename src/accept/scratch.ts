import { ByteWriter } from '../records/byte-writer.ts';
import { JsonRecordReader } from '../records/json/record.ts';
import { FieldFault } from '../records/limits.ts';
import { RecordValues } from '../records/record-values.ts';
import type { RecordKind } from '../records/tables.ts';
import { decodeBinary, recordBytesMax } from './decode.ts';
import type { RawBatch, RawRecord } from './raw-batch.ts';

/** Memory that one batch after the other is encoded in. */
export class Scratch {
  readonly rows = new ByteWriter();
  /** What the fingerprint is taken of. */
  readonly content = new ByteWriter();
  readonly #records = { event: new RecordValues('event'), usage: new RecordValues('usage') };
  readonly #json = {
    event: new JsonRecordReader(this.#records.event),
    usage: new JsonRecordReader(this.#records.usage),
  };

  /** Reads a record; throws a `FieldFault` where it can't be read. */
  read(kind: RecordKind, raw: RawRecord, form: RawBatch['form']): RecordValues {
    if (raw instanceof FieldFault) throw raw;
    const record = this.#records[kind];
    if (!(raw instanceof Uint8Array)) {
      record.readMessage(raw);
      return record;
    }
    const bytes = raw.byteLength;
    if (bytes > recordBytesMax) {
      throw new FieldFault('', `is ${bytes} bytes long; ${recordBytesMax} are allowed`);
    }
    if (form === 'protobuf') record.readMessage(decodeBinary(kind, raw));
    else this.#json[kind].read(raw as Buffer, form === 'json-single');
    return record;
  }

  /** Strings that became storable as they were read, since this was last asked. */
  takeChanged(): number {
    const { event, usage } = this.#json;
    const changed = event.halves + usage.halves;
    event.halves = usage.halves = 0;
    return changed;
  }
}
