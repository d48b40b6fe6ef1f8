import type pg from 'pg';
import { type Connection, escapeIdentifier, type Submittable } from 'pg';
import { type RecordKind, tables } from '../records/tables.ts';
import { schemaInUse, schemaPrefix } from './schema-in-use.ts';

const copyData = 'd'.charCodeAt(0);
const copyDone = Buffer.from('c\0\0\0\x04', 'latin1');
const lengthBytes = 4;
/** Writing a part by itself costs more than copying so many bytes does. */
const smallBytes = 16 * 1024;

/** Signature, no flags, no extension: https://www.postgresql.org/docs/current/sql-copy.html */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Rows for a table, as tuples of PostgreSQL's binary COPY format, in parts. */
export interface Load {
  readonly table: Table;
  readonly rows: readonly Uint8Array[];
}

/**
 * The table of some tuples, with the columns that they have: those that an earlier release has
 * left in the spool or as dead letters have fewer than ours (5.9 of docs/specs/buffer.md).
 */
export function tableOf(kind: RecordKind, tuples: Uint8Array): Table {
  const table: Table = tables[kind];
  const fields = fieldsOf(tuples);
  // Without any, they are damaged, and whoever loads them is told so.
  if (fields === 0 || fields >= table.columns.length) return table;
  return { name: table.name, columns: table.columns.slice(0, fields) };
}

/** Of the first tuple; none in no tuples. */
export const fieldsOf = (tuples: Uint8Array): number =>
  tuples.length < 2 ? 0 : ((tuples[0] as number) << 8) | (tuples[1] as number);

/**
 * Loads rows by binary COPY, all of them in one transaction: the one that is open on `client`, or
 * one of their own, which begins with `begin`, is committed with the last of them, and stays open
 * where one fails. This is the one place that goes past Kysely.
 */
export async function copyRows(
  client: pg.ClientBase,
  loads: readonly Load[],
  begin?: string,
): Promise<void> {
  if (loads.length === 0) return;
  const prefix = schemaPrefix(schemaInUse(client));
  const copies = loads.map(({ table, rows }) => ({
    statement: `copy ${prefix}${targetOf(table)} from stdin (format binary)`,
    parts: [header, ...rows, trailer],
  }));
  await client.query(new CopyIn(copies, begin)).done;
}

const targets = new WeakMap<Table, string>();

/** A table with its columns; each is written out once. */
function targetOf(table: Table): string {
  const known = targets.get(table);
  if (known !== undefined) return known;
  const columns = table.columns.map(escapeIdentifier).join(', ');
  const target = `${escapeIdentifier(table.name)} (${columns})`;
  targets.set(table, target);
  return target;
}

/**
 * To be called in a transaction that changes rows on workers of a cluster by other statements, and
 * something on the coordinator: one that changes a single shard is committed there first. COPY has
 * everything prepared before anything is committed, without a row too.
 */
export const commitInTwoPhases = (client: pg.ClientBase, kind: RecordKind): Promise<void> =>
  copyRows(client, [{ table: { name: tables[kind].name, columns: ['id'] }, rows: [] }]);

/** A `COPY … FROM STDIN` and its data, in parts. */
interface Copy {
  readonly statement: string;
  readonly parts: readonly Uint8Array[];
}

/**
 * COPY statements whose data is at hand: one round trip for all of them, and one transaction where
 * none is open. The data is sent from where it lies, without being gathered, and without waiting
 * until the database asks for it: what follows a statement that failed, it passes over.
 * Called by node-postgres, as its own queries are.
 * Messages: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
class CopyIn implements Submittable {
  readonly #copies: readonly Copy[];
  readonly #text: string;
  readonly #completion = Promise.withResolvers<void>();
  /** node-postgres puts its own timeout here. */
  callback: (error?: Error) => void = () => {};

  constructor(copies: readonly Copy[], begin?: string) {
    this.#copies = copies;
    const statements = copies.map(({ statement }) => statement);
    this.#text = (begin ? [begin, ...statements, 'commit'] : statements).join(';');
  }

  /** Resolves when the database has taken all of it; rejected with what it says otherwise. */
  get done(): Promise<void> {
    return this.#completion.promise;
  }

  submit(connection: Connection): void {
    const { stream } = connection;
    stream.cork();
    connection.query(this.#text);
    const messages = this.#copies.flatMap(({ parts }) => [dataHeader(parts), ...parts, copyDone]);
    for (const chunk of joinSmall(messages)) stream.write(chunk);
    stream.uncork();
  }

  handleCopyInResponse(): void {}

  handleRowDescription(): void {}

  handleDataRow(): void {}

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.callback();
    this.#completion.resolve();
  }

  handleError(error: Error): void {
    this.callback(error);
    this.#completion.reject(error);
  }
}

function dataHeader(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const header = Buffer.alloc(1 + lengthBytes);
  header.writeUInt8(copyData, 0);
  header.writeInt32BE(lengthBytes + bytes, 1);
  return header;
}

/** Joins neighbours that are small. */
function joinSmall(parts: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = () => {
    if (small.length > 0) joined.push(Buffer.concat(small));
    small = [];
  };
  for (const part of parts) {
    if (part.byteLength <= smallBytes) {
      small.push(part);
    } else {
      flush();
      joined.push(part);
    }
  }
  flush();
  return joined;
}
