import type { Event, Usage } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { ByteWriter } from '../records/byte-writer.ts';
import type { FoundRecord } from '../records/json/found-records.ts';
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
    if (form === 'json') {
      const { at, end } = raw as FoundRecord;
      checkLength(end - at);
      this.#json[kind].read(raw as FoundRecord);
    } else if (raw instanceof Uint8Array) {
      checkLength(raw.byteLength);
      record.readMessage(decodeBinary(kind, raw));
    } else {
      record.readMessage(raw as Event | Usage);
    }
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

function checkLength(bytes: number): void {
  if (bytes <= recordBytesMax) return;
  throw new FieldFault('', `is ${bytes} bytes long; ${recordBytesMax} are allowed`);
}
