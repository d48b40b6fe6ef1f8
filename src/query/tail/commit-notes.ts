import { sql } from 'kysely';
import type { Move } from '../../database/moved-rows.ts';
import type { RecordKind } from '../../records/tables.ts';
import type { Trx } from '../../rollup/state.ts';
import { Snapshot } from './snapshot.ts';

/** Microseconds since 2000, from and to. */
export type Span = readonly [fromUs: number, toUs: number];

interface Note {
  /** The (sub)transaction that its rows are of. */
  readonly by: string;
  readonly kind: RecordKind;
  readonly rows: number;
  readonly times: readonly number[];
  readonly moved: Move | null;
  readonly ids: readonly string[] | null;
  readonly before: readonly string[] | null;
}

/** A row that somebody has written again. */
export interface MovedRow {
  readonly moved: Move;
  /** Who had written it before. */
  readonly before: string;
  readonly span: Span;
}

/** What was committed since a snapshot, of one kind. */
export interface Committed {
  /** New rows. */
  rows: number;
  /** Whose they are. */
  readonly by: Set<string>;
  readonly spans: Span[];
  /** By id. */
  readonly moved: Map<string, MovedRow[]>;
}

export interface Reading {
  readonly snapshot: Snapshot;
  /** What was committed before is in it. */
  readonly asOf: Date;
  readonly notes: readonly Note[];
}

/** What was noted by transactions that a snapshot does not see, and the snapshot that sees them. */
export async function readNotes(trx: Trx, since: Snapshot | undefined): Promise<Reading> {
  const notes = since
    ? sql`(
        select json_agg(json_build_object('by', xmin::text, 'kind', kind, 'rows', rows,
          'times', times, 'moved', moved, 'ids', ids, 'before', before) order by written_at)
        from commit_notes
        where xid >= pg_snapshot_xmin(${since.text}::pg_snapshot)
          and not pg_visible_in_snapshot(xid, ${since.text}::pg_snapshot)
      )`
    : sql`null::json`;
  const { rows } = await sql<{ snapshot: string; as_of: Date; notes: Note[] | null }>`
    select set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
      pg_current_snapshot()::text as snapshot, now() as as_of, ${notes} as notes`.execute(trx);
  const [row] = rows;
  if (!row) throw new Error('no row of one');
  return { snapshot: new Snapshot(row.snapshot), asOf: row.as_of, notes: row.notes ?? [] };
}

/** Notes of a kind together; `rowsMax`: what older ones have beyond it is passed over. */
export function committedOf(
  notes: readonly Note[],
  kind: RecordKind,
  rowsMax: number,
): Committed & { readonly passedOver: number } {
  const committed: Committed = { rows: 0, by: new Set(), spans: [], moved: new Map() };
  let passedOver = 0;
  for (const note of notes.toReversed()) {
    if (note.kind !== kind) continue;
    if (note.moved) addMoved(committed.moved, note, note.moved);
    if (note.rows === 0) continue;
    if (committed.rows + note.rows > rowsMax && committed.rows > 0) {
      passedOver += note.rows;
      continue;
    }
    committed.rows += note.rows;
    committed.by.add(note.by);
    committed.spans.push(...spansOf(note));
  }
  return { ...committed, passedOver };
}

function addMoved(known: Map<string, MovedRow[]>, note: Note, moved: Move): void {
  const [span = [0, 0]] = spansOf(note);
  for (const [index, id] of (note.ids ?? []).entries()) {
    const row = { moved, before: note.before?.[index] ?? '', span };
    known.set(id, [...(known.get(id) ?? []), row]);
  }
}

const spansOf = ({ times }: Note): Span[] =>
  Array.from({ length: times.length / 2 }, (_, index) => [
    times[2 * index] as number,
    times[2 * index + 1] as number,
  ]);

/** Spans in order, none of which overlaps another. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: [number, number][] = [];
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
