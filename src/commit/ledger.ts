import { sql, type Transaction } from 'kysely';
import type { Answer, Batch, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { ByteWriter } from '../records/byte-writer.ts';
import { uuidBytes } from '../uuid.ts';
import type { Load } from './copy.ts';

export interface Claims {
  /** What each batch of the group is, in its order: `stored` where the claim holds, or did before. */
  readonly settlements: readonly Settlement[];
  /** The batches whose rows are still to be written. */
  readonly claimed: ReadonlySet<Batch>;
}

const table = {
  name: 'batch_ledger',
  columns: ['batch_id', 'fingerprint', 'group_id', 'answer'],
} as const;
/** Of a claim without an answer. */
const claimBytes = 2 + 4 * (4 + 16);

/** In the order of their ids: two collectors with the same batches wait for each other and never deadlock. */
export const inOrder = ({ batches }: Group): Batch[] =>
  batches.toSorted((a, b) => (a.id < b.id ? -1 : 1));

const groupIdOf = (batch: Batch, group: Group): string => batch.groupId ?? group.id;

/** The claims of a group none of whose ids is known; the table takes none of them otherwise. */
export function newClaims(group: Group): Load {
  const groupId = uuidBytes(group.id);
  const claims = new ByteWriter(group.batches.length * claimBytes);
  for (const batch of inOrder(group)) {
    const answer = answerText(batch);
    claims.int16(table.columns.length);
    claims.fieldUuid(uuidBytes(batch.id));
    claims.int32(batch.fingerprint.byteLength);
    claims.raw(batch.fingerprint);
    claims.fieldUuid(batch.groupId === undefined ? groupId : uuidBytes(batch.groupId));
    // The version of jsonb's binary form comes first.
    claims.fieldText(answer === null ? '' : `\x01${answer}`);
  }
  return { table, rows: [claims.bytes()] };
}

/**
 * Claims the ids of a group in the ledger. READ COMMITTED: what another collector has committed
 * meanwhile is seen.
 */
export async function claimBatches(trx: Transaction<Database>, group: Group): Promise<Claims> {
  const claimedIds = await insertIds(trx, group);
  const others = group.batches.filter((batch) => !claimedIds.has(batch.id));
  const known = await findKnown(trx, others);
  const settlements = group.batches.map((batch): Settlement => {
    const first = known.get(batch.id);
    return first ? compare(group, batch, first) : { kind: 'stored' };
  });
  return {
    settlements,
    claimed: new Set(group.batches.filter((batch) => claimedIds.has(batch.id))),
  };
}

interface KnownBatch {
  readonly fingerprint: Buffer;
  readonly group_id: string;
  readonly answer: object | null;
}

function compare(group: Group, batch: Batch, first: KnownBatch): Settlement {
  // This very group: its COMMIT had succeeded, and only the answer was lost.
  const answer = first.answer as Answer | null;
  if (first.group_id === groupIdOf(batch, group)) return { kind: 'stored', ...fates(answer) };
  if (!first.fingerprint.equals(batch.fingerprint)) return { kind: 'conflict' };
  return { kind: 'duplicate', answer: answer ?? allStored(batch) };
}

/** What became of the records of a batch that were not stored as they were. */
const fates = (answer: Answer | null) => ({
  ...(answer?.deadLettered && { deadLettered: answer.deadLettered }),
  ...(answer?.repeated && { repeated: answer.repeated }),
});

/** The answer that is not worth storing: equal content has equal counts. */
function allStored({ answer: { stored, rejected } }: Batch): Answer {
  return {
    stored: { event: stored.event + rejected.event, usage: stored.usage + rejected.usage },
    rejected: { event: 0, usage: 0 },
    rejections: [],
  };
}

const answerText = ({ answer }: Batch): string | null =>
  answer.rejections.length > 0 ? JSON.stringify(answer) : null;

/** What the ledger says of a batch some of whose rows were not stored after all. */
export async function noteFates(
  trx: Transaction<Database>,
  { id, answer }: Batch,
  fates: Pick<Answer, 'deadLettered' | 'repeated'>,
): Promise<void> {
  await trx
    .updateTable('batch_ledger')
    .set({ answer: JSON.stringify({ ...answer, ...fates }) })
    .where('batch_id', '=', id)
    .execute();
}

async function insertIds(trx: Transaction<Database>, group: Group): Promise<Set<string>> {
  const batches = inOrder(group);
  const inTheirOrder = sql<never>`
    select batch_id, fingerprint, answer, group_id
    from unnest(
      ${batches.map((batch) => batch.id)}::uuid[],
      ${batches.map((batch) => batch.fingerprint)}::bytea[],
      ${batches.map(answerText)}::jsonb[],
      ${batches.map((batch) => groupIdOf(batch, group))}::uuid[]
    ) with ordinality as batch (batch_id, fingerprint, answer, group_id, position)
    order by position`;
  const rows = await trx
    .insertInto('batch_ledger')
    .columns(['batch_id', 'fingerprint', 'answer', 'group_id'])
    .expression(() => inTheirOrder)
    .onConflict((conflict) => conflict.column('batch_id').doNothing())
    .returning('batch_id')
    .execute();
  return new Set(rows.map((row) => row.batch_id));
}

async function findKnown(
  trx: Transaction<Database>,
  batches: readonly Batch[],
): Promise<Map<string, KnownBatch>> {
  if (batches.length === 0) return new Map();
  const ids = batches.map((batch) => batch.id);
  const rows = await trx
    .selectFrom('batch_ledger')
    .select(['batch_id', 'fingerprint', 'group_id', 'answer'])
    .where('batch_id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute();
  return new Map(rows.map((row) => [row.batch_id, row]));
}
