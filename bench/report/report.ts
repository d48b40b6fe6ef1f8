import type { describeMachine, describeVersions } from '../support/machine.ts';
import type { Sizes } from '../support/sizes.ts';
import type { Comparison } from './comparison.ts';
import type { Goal } from './goals.ts';
import type { Section } from './summary.ts';

/** All of a run; written as JSON as it is. */
export interface Report {
  readonly startedAt: string;
  readonly minutes: number;
  readonly rounds: number;
  readonly seed: number;
  readonly sizes: Sizes;
  readonly machine: ReturnType<typeof describeMachine>;
  readonly versions: ReturnType<typeof describeVersions>;
  readonly settings: Readonly<Record<string, string>>;
  readonly schema: {
    readonly columns: readonly string[];
    readonly indexes: readonly string[];
    readonly partitions: number;
  };
  readonly goals: readonly Goal[];
  readonly against?: Comparison;
  readonly sections: readonly Section[];
}
