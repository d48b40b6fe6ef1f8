import type { ReadCounts } from './counts.ts';
import type { Fields, Signal } from './signal.ts';

/** What a rule makes of a signal that is one model call. */
export interface RuleResult {
  readonly read: ReadCounts;
  readonly fields: Fields;
}

/** How one emitter counts: docs/usage.md lists them, each has golden files. */
export interface Rule {
  /** As rows have it in `usage_rule`. */
  readonly name: string;
  /** Whether a signal is of this emitter, a model call or not: no other rule sees it then. */
  readonly isOf: (signal: Signal) => boolean;
  /** Undefined for what is no model call, or repeats the counts of others. */
  readonly read: (signal: Signal) => RuleResult | undefined;
}
