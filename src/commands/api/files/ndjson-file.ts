import type { Readable } from 'node:stream';
import { parseExactly } from '../exact-json.ts';
import { type FlatRecord, kindOf } from '../records.ts';
import { FileFault, type ReadRecord, type Writer } from './record-file.ts';

export const ndjsonWriter = (write: (text: string) => Promise<void>): Writer => ({
  write: (records) => write(records.map((record) => `${JSON.stringify(record)}\n`).join('')),
  end: async () => {},
});

/** Each line is a record of either kind. */
export async function* readNdjson(stream: Readable): AsyncGenerator<ReadRecord> {
  let position = 0;
  for await (const line of linesOf(stream)) {
    position += 1;
    if (line.trim() === '') continue;
    const record = read(line, position);
    const kind = kindOf(Object.keys(record));
    if (!kind) throw new FileFault(`line ${position} has neither event_type nor model`);
    yield { kind, record, position };
  }
}

/** Node's own reader of lines ends them at other signs too, which texts may have in them. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

function read(line: string, position: number): FlatRecord {
  try {
    const value = parseExactly(line.replace(/^\uFEFF/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as FlatRecord;
    }
  } catch {
    // Told below.
  }
  throw new FileFault(`line ${position} is no object in JSON`);
}
