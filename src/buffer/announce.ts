import type { Logger } from '../observe/logger.ts';
import type { CommitGroup, Committer, Settlement } from './batch.ts';

/** Logs which batches have become dead letters, in whole or in part, also where nobody waits any more. */
export const announced =
  (commit: CommitGroup, logger: Logger): CommitGroup =>
  async (group) => {
    const settlements = await commit(group);
    settlements.forEach((settlement, index) => {
      const rows = deadRows(settlement);
      if (rows === 0) return;
      const batch = group.batches[index]?.id;
      logger.warn(
        { batch, rows },
        'the database does not take rows: they are kept as dead letters',
      );
    });
    return settlements;
  };

export const announcing = (committer: Committer, logger: Logger): Committer => ({
  ...committer,
  commit: announced(committer.commit, logger),
  commitSuspects: announced(committer.commitSuspects, logger),
});

function deadRows(settlement: Settlement): number {
  if (settlement.kind !== 'stored' || !settlement.deadLettered) return 0;
  return Object.values(settlement.deadLettered).reduce((sum, count) => sum + count, 0);
}
