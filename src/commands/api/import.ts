import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { errorMessage, StartError } from '../../errors.ts';
import { type ApiRun, apiCommand, type Flags, jsonFlag } from './api-command.ts';
import { readCsv } from './files/csv-file.ts';
import { readNdjson } from './files/ndjson-file.ts';
import { readParquet } from './files/parquet-file.ts';
import { FileFault, formatOf, type ReadRecord } from './files/record-file.ts';
import { type ImportCounts, Importer } from './importer.ts';
import { note, Progress } from './terminal.ts';

const [chunkRows, chunkBytes] = [1000, 512 * 1024];
const namedMax = 20;

const importFile: ApiRun = async (connection, flags, [path = '']) => {
  const source = open(path, flags);
  const importer = new Importer(connection);
  const progress = new Progress('records');
  try {
    for await (const chunk of chunks(source.records)) {
      await importer.add(chunk);
      progress.show(importer.counts.read, source.share());
    }
  } catch (error) {
    progress.end();
    const { read } = importer.counts;
    const again = error instanceof FileFault ? '' : '; the same once more goes on from there';
    if (read > 0) note(`${inWords(importer.counts)}${again}`);
    throw error;
  }
  progress.end();
  return report(importer.counts);
};

const inWords = ({ read, stored, known, refused }: ImportCounts): string =>
  `${read} read: ${stored} stored, ${known} there already, ${refused} refused`;

function report(counts: ImportCounts) {
  const { read, stored, known, refused, reasons } = counts;
  const notes = reasons.slice(0, namedMax);
  if (reasons.length < refused || reasons.length > namedMax) {
    notes.push(`… and ${refused - notes.length} more`);
  }
  return {
    json: { read, stored, known, refused, reasons },
    notes,
    shown: [inWords(counts)],
    failed: refused > 0,
  };
}

interface Source {
  readonly records: AsyncIterable<ReadRecord>;
  /** How much of it is read; undefined where nobody knows. */
  share(): number | undefined;
}

function open(path: string, flags: Flags): Source {
  const format = formatOf(flags.format as string | undefined, path);
  if (!format) throw new StartError(`--format is needed: the name ${path} says nothing of it`);
  if (path === '-') {
    if (format === 'parquet') throw new StartError('Parquet is read from a file only');
    return { records: textRecords(format, process.stdin), share: () => undefined };
  }
  const bytes = sizeOf(path);
  if (format === 'parquet') return { records: readParquet(path), share: () => undefined };
  const stream = createReadStream(path);
  return {
    records: textRecords(format, stream),
    share: () => stream.bytesRead / Math.max(1, bytes),
  };
}

const textRecords = (format: 'csv' | 'ndjson', stream: Readable) =>
  format === 'csv' ? readCsv(stream) : readNdjson(stream);

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    throw new StartError(errorMessage(error));
  }
}

/** So many that a message holds them. */
async function* chunks(records: AsyncIterable<ReadRecord>): AsyncGenerator<ReadRecord[]> {
  let chunk: ReadRecord[] = [];
  let bytes = 0;
  for await (const read of records) {
    const size = JSON.stringify(read.record).length;
    if (chunk.length === chunkRows || (chunk.length > 0 && bytes + size > chunkBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(read);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

export const importCommand = (): Command =>
  apiCommand(
    'import <file>',
    'stores what export has written, each record once however often; - for the standard input',
    [
      new Option('--format <format>', "csv, ndjson or parquet (default by the file's name)"),
      jsonFlag('the result in JSON'),
    ],
    importFile,
  );
