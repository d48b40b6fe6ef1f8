import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { csvLine } from '../../../query/rest/formats.ts';
import { parseExactly } from '../exact-json.ts';
import type { Kind } from '../record-flags.ts';
import { columnsOf, type FlatRecord, kindOf, typeOf } from '../records.ts';
import { FileFault, type ReadRecord, type Writer } from './record-file.ts';

/** JSON has no numbers for these. */
const unusualNumbers = ['NaN', 'Infinity', '-Infinity'];

export function csvWriter(kind: Kind, write: (text: string) => Promise<void>): Writer {
  const columns = columnsOf[kind];
  let hasHead = false;
  const head = async () => {
    if (!hasHead) await write(csvLine(columns));
    hasHead = true;
  };
  return {
    async write(records) {
      await head();
      await write(records.map((record) => csvLine(columns.map((name) => record[name]))).join(''));
    },
    end: head,
  };
}

export async function* readCsv(stream: Readable): AsyncGenerator<ReadRecord> {
  let kind: Kind | undefined;
  const parser = stream.pipe(
    parse({
      bom: true,
      columns: (names: string[]) => {
        kind = kindOf(names);
        if (!kind) throw new FileFault('its head has neither event_type nor model');
        return names;
      },
      cast: (value, { quoting, header }) => (value === '' && !quoting && !header ? null : value),
      skip_empty_lines: true,
    }),
  );
  let position = 0;
  for await (const row of parser as AsyncIterable<Record<string, string | null>>) {
    position += 1;
    yield { kind: kind as Kind, record: typed(kind as Kind, row, position), position };
  }
}

function typed(kind: Kind, row: Record<string, string | null>, position: number): FlatRecord {
  return Object.fromEntries(
    Object.entries(row).map(([name, text]) => [name, value(kind, name, text, position)]),
  );
}

function value(kind: Kind, name: string, text: string | null, position: number): unknown {
  const type = typeOf(kind, name);
  const isTold = type === 'text' || (type === 'number' && unusualNumbers.includes(text ?? ''));
  if (text === null || isTold) return text;
  try {
    return parseExactly(text);
  } catch {
    throw new FileFault(`record ${position}: ${name} is ${JSON.stringify(text)}`);
  }
}
