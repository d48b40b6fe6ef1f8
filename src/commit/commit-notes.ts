import type { RecordKind } from '../records/tables.ts';
import type { Load } from './copy.ts';

/** Rows of a kind that are stored by one statement or by several of one (sub)transaction. */
export interface NotedRows {
  readonly kind: RecordKind;
  /** As tuples of binary COPY, in parts. */
  readonly rows: readonly Uint8Array[];
}

const table = { name: 'commit_notes', columns: ['kind', 'rows', 'times'] };
/** Times so near to each other are of one span. */
const gapUs = 1_000_000;
const int8Oid = 20;
/** Of a tuple: the number of fields, the length of the id, the id, the length of the time. */
const timeOffset = 2 + 4 + 16 + 4;

/**
 * What is to be written with rows, so that whoever follows finds them: by the transaction that
 * wrote both, and by the spans that their times lie in.
 */
export function noteLoads(noted: readonly NotedRows[]): Load[] {
  const rows = noted.flatMap(({ kind, rows }) => {
    const spans = new Spans();
    for (const part of rows) addTimes(spans, part);
    return spans.rows === 0 ? [] : [noteRow(kind, spans)];
  });
  return rows.length === 0 ? [] : [{ table, rows }];
}

/** Reads of each row its time, and passes over the rest; what is damaged, PostgreSQL does not take. */
function addTimes(spans: Spans, bytes: Uint8Array): void {
  const end = bytes.length;
  for (let at = 0; at + timeOffset + 8 <= end; ) {
    spans.add(int32(bytes, at + timeOffset) * 0x1_0000_0000 + uint32(bytes, at + timeOffset + 4));
    const fields = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    at += 2;
    for (let field = 0; field < fields && at < end; field++) {
      const length = int32(bytes, at);
      at += length > 0 ? 4 + length : 4;
    }
  }
}

const int32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);
const uint32 = (bytes: Uint8Array, at: number): number => int32(bytes, at) >>> 0;

/** What some times lie in: mostly one span, and one for each time where these are scattered. */
class Spans {
  rows = 0;
  #from = Number.NaN;
  #to = Number.NaN;
  readonly #others: [number, number][] = [];

  add(us: number): void {
    this.rows += 1;
    if (us >= this.#from && us <= this.#to) return;
    if (us >= this.#from - gapUs && us <= this.#to + gapUs) {
      if (us < this.#from) this.#from = us;
      else this.#to = us;
      return;
    }
    if (this.rows > 1) this.#others.push([this.#from, this.#to]);
    this.#from = us;
    this.#to = us;
  }

  /** In order, none of them near another. */
  get all(): [number, number][] {
    const spans = [...this.#others, [this.#from, this.#to] as [number, number]];
    return joined(spans);
  }
}

/** Spans in order, those together that are near each other. */
function joined(spans: [number, number][]): [number, number][] {
  const result: [number, number][] = [];
  for (const [from, to] of spans.sort(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && from <= last[1] + gapUs) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

/** A tuple in the columns of `table`. An array has dimensions, nulls, type, length and first index. */
function noteRow(kind: RecordKind, spans: Spans): Uint8Array {
  const times = spans.all.flat();
  const row = Buffer.allocUnsafe(2 + 4 + kind.length + 8 + 4 + 20 + 12 * times.length);
  let at = row.writeInt16BE(table.columns.length);
  at = row.writeInt32BE(kind.length, at);
  at += row.write(kind, at, 'latin1');
  at = row.writeInt32BE(4, at);
  at = row.writeInt32BE(spans.rows, at);
  at = row.writeInt32BE(20 + 12 * times.length, at);
  for (const word of [1, 0, int8Oid, times.length, 1]) at = row.writeInt32BE(word, at);
  for (const us of times) {
    at = row.writeInt32BE(8, at);
    at = row.writeBigInt64BE(BigInt(us), at);
  }
  return row;
}
