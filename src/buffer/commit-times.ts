import { Histogram, type Registry } from 'prom-client';
import type { CommitGroup } from './batch.ts';

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
      const end = durations.startTimer({ source });
      try {
        return await commit(group);
      } finally {
        end();
      }
    };
  };
}
