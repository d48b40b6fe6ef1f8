import { Histogram, type Registry } from 'prom-client';
import { type CommittedGroup, committedGroups } from '../observe/happenings.ts';
import { secondMs } from '../units.ts';
import { batchRows, type CommitGroup } from './batch.ts';

/** In seconds: a commit on a quick disk, and what is left behind. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Measures how long groups take in the database, by where they came from. */
export function timeCommits(
  registry: Registry,
): (commit: CommitGroup, source: 'callers' | 'spool') => CommitGroup {
  const durations = new Histogram({
    name: 'telemetry_commit_duration_seconds',
    help: 'How long groups took in the database, by where they came from: callers or spool; failed ones too.',
    labelNames: ['source'],
    buckets,
    registers: [registry],
  });
  return (commit, source) => {
    durations.zero({ source });
    return async (group) => {
      const beganAt = performance.now();
      let failure: { readonly error?: unknown } = {};
      try {
        return await commit(group);
      } catch (error) {
        failure = { error };
        throw error;
      } finally {
        const ms = performance.now() - beganAt;
        durations.observe({ source }, ms / secondMs);
        if (committedGroups.hasSubscribers) tell(group, { ...failure, source, ms });
      }
    };
  };
}

function tell(
  { batches }: Parameters<CommitGroup>[0],
  done: Pick<CommittedGroup, 'source' | 'ms' | 'error'>,
): void {
  const rows = batches.reduce((sum, batch) => sum + batchRows(batch), 0);
  committedGroups.publish({ ...done, batches: batches.length, rows });
}
