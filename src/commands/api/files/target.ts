import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errorMessage, StartError } from '../../../errors.ts';
import type { Flags } from '../api-command.ts';
import type { Kind } from '../record-flags.ts';
import type { FlatRecord } from '../records.ts';
import { note, write as writeOut } from '../terminal.ts';
import { csvWriter } from './csv-file.ts';
import { ndjsonWriter } from './ndjson-file.ts';
import { parquetWriter } from './parquet-file.ts';
import { type Format, formatOf, type Writer } from './record-file.ts';

/** Where records go: the standard output, or a file that has its name when it is whole. */
export class Target {
  readonly path: string | undefined;
  readonly format: Format | 'json';
  readonly #part: string | undefined;
  readonly #writer: Writer;
  #close: () => Promise<void> = async () => {};
  /** What could not be written is lacking, and what is there may end anywhere. */
  #isBroken = false;

  constructor(kind: Kind, flags: Flags) {
    this.path = flags.output as string | undefined;
    const format = formatOf(flags.format as string | undefined, this.path) ?? 'ndjson';
    this.format = format;
    if (this.path === undefined && flags.json !== undefined) {
      if (flags.format !== undefined) throw new StartError('--format and --json: which is it?');
      this.format = 'json';
      this.#writer = jsonWriter(writeOut);
      return;
    }
    if (this.path === undefined) {
      if (format === 'parquet') throw new StartError('--output is needed: Parquet is no text');
      this.#writer = textWriter(format, kind, writeOut);
      return;
    }
    this.#part = `${this.path}.part`;
    checkWritable(this.#part);
    this.#writer =
      format === 'parquet'
        ? parquetWriter(kind, this.#part)
        : textWriter(format, kind, this.#intoFile(this.#part));
  }

  async write(records: readonly FlatRecord[]): Promise<void> {
    await this.#writing(() => this.#writer.write(records));
  }

  async end(): Promise<void> {
    await this.#finish();
    if (this.path && this.#part) renameSync(this.#part, this.path);
  }

  /** Half an export would look like one: it keeps another name, and how to go on is said. */
  async leave(records: number, lastMs: number): Promise<void> {
    if (this.#part === undefined) return;
    try {
      if (records === 0 || this.#isBroken) throw new StartError('it is of no use');
      await this.#finish();
      // Of the last millisecond some may be in both, which import stores once.
      const until = new Date(lastMs + 1).toISOString();
      note(`${this.#part} has the newest ${records}; --until ${until} goes on with the rest`);
    } catch {
      rmSync(this.#part, { force: true });
    }
  }

  async #finish(): Promise<void> {
    await this.#writing(async () => {
      await this.#writer.end();
      await this.#close();
    });
  }

  async #writing(work: () => Promise<void>): Promise<void> {
    try {
      await told(work);
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  #intoFile(path: string): (text: string) => Promise<void> {
    const file = openSync(path, 'w');
    this.#close = async () => closeSync(file);
    return async (text) => writeFileSync(file, text);
  }
}

/** What the file system refuses, for people. */
async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new StartError(`--output: ${errorMessage(error)}`);
  }
}

/** One document of all records. */
function jsonWriter(write: (text: string) => Promise<void>): Writer {
  let before = '[';
  return {
    async write(records) {
      for (const record of records) {
        await write(`${before}\n${JSON.stringify(record)}`);
        before = ',';
      }
    },
    end: () => write(before === '[' ? '[]\n' : '\n]\n'),
  };
}

const textWriter = (
  format: Exclude<Format, 'parquet'>,
  kind: Kind,
  write: (text: string) => Promise<void>,
): Writer => (format === 'csv' ? csvWriter(kind, write) : ndjsonWriter(write));

function checkWritable(path: string): void {
  try {
    writeFileSync(path, '');
  } catch (error) {
    throw new StartError(`--output: ${errorMessage(error)}`);
  }
}
