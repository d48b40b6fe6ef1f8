import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { errorMessage, StartError } from '../../errors.ts';
import { type ApiRun, apiCommand, type Flags, jsonFlag } from './api-command.ts';
import { csvWriter } from './files/csv-file.ts';
import { ndjsonWriter } from './files/ndjson-file.ts';
import { parquetWriter } from './files/parquet-file.ts';
import { type Format, formatOf, formats, type Writer } from './files/record-file.ts';
import { pages } from './list-pages.ts';
import { type Kind, parametersOf, rangeFlags, rangeOf, recordFlags } from './record-flags.ts';
import type { FlatRecord } from './records.ts';
import { note, Progress, write as writeOut } from './terminal.ts';

const names: Readonly<Record<string, Kind>> = { events: 'event', usage: 'usage' };

const exportRecords: ApiRun = async (connection, flags, [name = 'events']) => {
  const kind = names[name];
  if (!kind) throw new StartError(`${JSON.stringify(name)} is neither events nor usage`);
  const asJson = flags.json !== undefined;
  const target = new Target(kind, flags);
  const parameters = parametersOf(kind, flags);
  const until = rangeOf(flags).until ?? new Date();
  // What comes meanwhile is not of it.
  parameters.set('end_time', until.toISOString());
  const progress = new Progress('records');
  let records = 0;
  try {
    for await (const page of pages(connection, kind, parameters)) {
      await target.write(page);
      records += page.length;
      progress.show(records, shareOf(page, rangeOf(flags).since, until));
    }
    await target.end();
  } catch (error) {
    target.giveUp();
    throw error;
  } finally {
    progress.end();
  }
  const { path: output, format } = target;
  if (asJson) {
    return output === undefined ? undefined : { json: { records, format, output }, shown: [] };
  }
  note(`${records} ${kind === 'event' ? 'events' : 'usage records'} exported`);
  return undefined;
};

/** How much of the time is done, from its end to its beginning. */
function shareOf(page: readonly FlatRecord[], since: Date | undefined, until: Date) {
  const last = Date.parse(String(page.at(-1)?.timestamp));
  if (!since || Number.isNaN(last)) return undefined;
  return (until.getTime() - last) / Math.max(1, until.getTime() - since.getTime());
}

/** Where records go: the standard output, or a file that has its name when it is whole. */
class Target {
  readonly path: string | undefined;
  readonly format: Format | 'json';
  readonly #part: string | undefined;
  readonly #writer: Writer;
  #close: () => Promise<void> = async () => {};

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

  write(records: readonly FlatRecord[]): Promise<void> {
    return this.#writer.write(records);
  }

  async end(): Promise<void> {
    await this.#writer.end();
    await this.#close();
    if (this.path && this.#part) renameSync(this.#part, this.path);
  }

  /** Half an export would look like one. */
  giveUp(): void {
    if (this.#part) rmSync(this.#part, { force: true });
  }

  #intoFile(path: string): (text: string) => Promise<void> {
    const stream = createWriteStream(path);
    this.#close = async () => {
      stream.end();
      await once(stream, 'close');
    };
    return async (text) => {
      if (!stream.write(text)) await once(stream, 'drain');
    };
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

export const exportCommand = (): Command =>
  apiCommand(
    'export [events|usage]',
    'all records of a kind, or those of a filter, newest first',
    [
      new Option(
        '--format <format>',
        `${formats.join(', ')} (default by the file's name, or else ndjson)`,
      ),
      new Option('--output <file>', 'where to; absent: the standard output'),
      ...recordFlags,
      ...rangeFlags,
      jsonFlag('what was written in JSON; without --output, the records as one list'),
    ],
    exportRecords,
  );
