import { claudeCode, codex, geminiCli } from './agent-rules.ts';
import type { RawCounts } from './counts.ts';
import type { Rule } from './rule.ts';
import { type DialectUsage, type Signal, textOf } from './signal.ts';
import { genAi, openInference, openLlmetry, unknown, vercelAi } from './span-rules.ts';

/** The first that a signal is of counts. */
const rules: readonly Rule[] = [
  claudeCode,
  codex,
  geminiCli,
  vercelAi,
  openInference,
  openLlmetry,
  genAi,
  unknown,
];

export const ruleNames = rules.map(({ name }) => name);

/** One model call, as the contract counts it. */
export interface CountedCall {
  /** Which rule counted it. */
  readonly rule: string;
  readonly usage: DialectUsage;
  /** What it counts, where that contradicts itself and how it belongs together is a guess. */
  readonly guessedFrom?: RawCounts;
}

/**
 * The model call that a signal tells of; undefined where it tells of none, or repeats the counts of
 * other signals: of each call one signal counts.
 */
export function countedCall(signal: Signal): CountedCall | undefined {
  const rule = rules.find((candidate) => candidate.isOf(signal));
  const result = rule?.read(signal);
  if (!rule || !result?.fields.model) return undefined;
  const { read, fields } = result;
  const resource = signal.resource ?? {};
  const known = Object.entries({
    team: textOf(resource, 'team', 'team.id', 'team.name'),
    project: textOf(resource, 'project', 'project.id', 'project.name'),
    ...fields,
    user_id: fields.user_id ?? textOf(resource, 'user', 'user.id', 'enduser.id'),
  }).filter(([, value]) => value !== undefined);
  const usage = { ...Object.fromEntries(known), ...read.counts } as DialectUsage;
  const { guessedFrom } = read;
  return { rule: rule.name, usage, ...(guessedFrom && { guessedFrom }) };
}
