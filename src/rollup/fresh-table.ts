import type { RecordKind } from '../records/tables.ts';

/** Where what transactions store waits to be folded. */
export const freshTable = { name: 'rollup_fresh', columns: ['kind', 'events', 'data'] } as const;

/** A row of it as a tuple of binary COPY. */
export function freshRow(kind: RecordKind, events: number, data: Uint8Array): Uint8Array {
  const row = Buffer.allocUnsafe(2 + 4 + kind.length + 8 + 4 + data.length);
  let at = row.writeInt16BE(freshTable.columns.length);
  at = row.writeInt32BE(kind.length, at);
  at += row.write(kind, at, 'latin1');
  at = row.writeInt32BE(4, at);
  at = row.writeInt32BE(events, at);
  at = row.writeInt32BE(data.length, at);
  row.set(data, at);
  return row;
}
