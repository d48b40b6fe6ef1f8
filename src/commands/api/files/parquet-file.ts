import type { SchemaElement } from 'hyparquet';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { errorMessage } from '../../../errors.ts';
import { exactNumber, rawJSON } from '../../../query/exact-numbers.ts';
import { parseExactly } from '../exact-json.ts';
import type { Kind } from '../record-flags.ts';
import { columnsOf, type FlatRecord, kindOf, typeOf } from '../records.ts';
import { FileFault, type ReadRecord, type Writer } from './record-file.ts';

/** What is in memory at a time, of what is written and of what is read. */
const groupRows = 10_000;
const times = ['timestamp', 'observed_at'];

/** Metadata is JSON text, and times are microseconds since 1970 (UTC). */
export function parquetWriter(kind: Kind, path: string): Writer {
  const columns = columnsOf[kind];
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map((name) => element(kind, name)),
  ];
  const parquet = new ParquetWriter({
    writer: fileWriter(path),
    schema,
    createdBy: 'gravitas-telemetry',
  });
  let waiting: FlatRecord[] = [];
  const flush = async () => {
    if (waiting.length === 0) return;
    const columnData = columns.map((name) => ({
      name,
      data: waiting.map((record) => stored(kind, name, record[name])),
    }));
    waiting = [];
    await parquet.write({ columnData, rowGroupSize: groupRows });
  };
  return {
    async write(records) {
      waiting.push(...records);
      if (waiting.length >= groupRows) await flush();
    },
    async end() {
      await flush();
      await parquet.finish();
    },
  };
}

function element(kind: Kind, name: string): SchemaElement {
  const column = { name, repetition_type: 'OPTIONAL' } as const;
  if (times.includes(name)) {
    return { ...column, type: 'INT64', converted_type: 'TIMESTAMP_MICROS' };
  }
  switch (typeOf(kind, name)) {
    case 'number':
      return { ...column, type: 'DOUBLE' };
    case 'count':
      return { ...column, type: 'INT64' };
    case 'truth':
      return { ...column, type: 'BOOLEAN' };
    default:
      return { ...column, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
  }
}

function stored(kind: Kind, name: string, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (times.includes(name)) return microseconds(String(value));
  switch (typeOf(kind, name)) {
    case 'number':
      return Number(typeof value === 'string' ? value : JSON.stringify(value));
    case 'count':
      return BigInt(JSON.stringify(value));
    case 'truth':
      return value;
    case 'json':
      return JSON.stringify(value);
    default:
      return String(value);
  }
}

/** Of a time as the collector writes it, with six decimals. */
function microseconds(time: string): bigint {
  const [, whole = '', fraction = ''] = /^(.*?)(?:\.(\d+))?(?:Z|\+00:00)$/.exec(time) ?? [];
  const ms = Date.parse(`${whole}Z`);
  if (Number.isNaN(ms)) throw new FileFault(`${JSON.stringify(time)} is no time`);
  return BigInt(ms) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}

function timeText(us: bigint): string {
  const part = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((us - part) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(part).padStart(6, '0')}+00:00`;
}

/** One group of rows after the other. */
export async function* readParquet(path: string): AsyncGenerator<ReadRecord> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file).catch((error) => {
    throw new FileFault(`is no Parquet: ${errorMessage(error)}`);
  });
  const kind = kindOf(metadata.schema.map(({ name }) => name));
  if (!kind) throw new FileFault('has neither event_type nor model');
  // As it is written: no dates, which have milliseconds only.
  const asWritten = (value: bigint) => value;
  const parsers = { timestampFromMicroseconds: asWritten } as never;
  const rowsInAll = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < rowsInAll; rowStart += groupRows) {
    const rowEnd = Math.min(rowsInAll, rowStart + groupRows);
    const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd, parsers });
    for (const [index, row] of rows.entries()) {
      yield { kind, record: read(kind, row), position: rowStart + index + 1 };
    }
  }
}

const read = (kind: Kind, row: Record<string, unknown>): FlatRecord =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value === null || value === undefined) return [name, null];
      if (times.includes(name)) return [name, timeText(value as bigint)];
      if (typeOf(kind, name) === 'json') return [name, parseExactly(String(value))];
      if (typeof value === 'bigint') return [name, rawJSON(String(value))];
      return [name, typeof value === 'number' ? exactNumber(value) : value];
    }),
  );
