import { sql, type Transaction } from 'kysely';
import type { Answer, Batch, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';

/**
 * Claims the ids of a group in the ledger and says what each batch is: `stored` where the claim
 * holds and the rows are still to be written, or what an earlier commit made of it.
 *
 * The ids are claimed in order, so that two collectors with the same batches wait for each other
 * and never deadlock. READ COMMITTED: what another one has committed meanwhile is seen.
 */
export async function claimBatches(
  trx: Transaction<Database>,
  group: Group,
): Promise<{ settlements: Settlement[]; claimed: Batch[] }> {
  const claimedIds = await insertIds(trx, group);
  const claimed = group.batches.filter((batch) => claimedIds.has(batch.id));
  const others = group.batches.filter((batch) => !claimedIds.has(batch.id));
  const known = await findKnown(trx, others);
  const settlements = group.batches.map((batch): Settlement => {
    const first = known.get(batch.id);
    return first ? compare(group, batch, first) : { kind: 'stored' };
  });
  return { settlements, claimed };
}

interface KnownBatch {
  readonly fingerprint: Buffer;
  readonly group_id: string;
  readonly answer: object | null;
}

function compare(group: Group, batch: Batch, first: KnownBatch): Settlement {
  // This very group: its COMMIT had succeeded, and only the answer was lost.
  if (first.group_id === group.id) return { kind: 'stored' };
  if (!first.fingerprint.equals(batch.fingerprint)) return { kind: 'conflict' };
  return { kind: 'duplicate', answer: (first.answer as Answer | null) ?? allStored(batch) };
}

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

async function insertIds(trx: Transaction<Database>, group: Group): Promise<Set<string>> {
  const batches = group.batches.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { rows } = await sql<{ batch_id: string }>`
    insert into batch_ledger (batch_id, fingerprint, answer, group_id)
    select batch_id, fingerprint, answer, ${group.id}::uuid
    from unnest(
      ${batches.map((batch) => batch.id)}::uuid[],
      ${batches.map((batch) => batch.fingerprint)}::bytea[],
      ${batches.map(answerText)}::jsonb[]
    ) with ordinality as batch (batch_id, fingerprint, answer, position)
    order by position
    on conflict (batch_id) do nothing
    returning batch_id`.execute(trx);
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
