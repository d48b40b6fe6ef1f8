import { extname } from 'node:path';
import { StartError } from '../../../errors.ts';
import type { Kind } from '../record-flags.ts';
import type { FlatRecord } from '../records.ts';

export const formats = ['csv', 'ndjson', 'parquet'] as const;
export type Format = (typeof formats)[number];

/** What records are written by, page after page. */
export interface Writer {
  write(records: readonly FlatRecord[]): Promise<void>;
  end(): Promise<void>;
}

export interface ReadRecord {
  readonly kind: Kind;
  readonly record: FlatRecord;
  /** From 1 on: of its line, or of the record. */
  readonly position: number;
}

/** A file is not what it should be. */
export class FileFault extends StartError {}

const byEnding: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.parquet': 'parquet',
};

/** As it was told, or by the name of the file. */
export function formatOf(given: string | undefined, path: string | undefined): Format | undefined {
  if (given === undefined) return byEnding[extname(path ?? '').toLowerCase()];
  const format = formats.find((each) => each === given);
  if (format) return format;
  const named = JSON.stringify(given);
  throw new StartError(`--format: ${named} is none of ${formats.join(', ')}`);
}
