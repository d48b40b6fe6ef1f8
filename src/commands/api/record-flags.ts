import { Option } from 'commander';
import { StartError } from '../../errors.ts';
import { hourMs } from '../../units.ts';
import { agoFrom, readTime } from '../times.ts';
import type { Flags } from './api-command.ts';

export type Kind = 'event' | 'usage';

const several = (value: string, before: string[] | undefined): string[] => [
  ...(before ?? []),
  value,
];

const list = (flag: string, meaning: string): Option =>
  new Option(flag, `${meaning}; may be given several times`).argParser(several);

/** Which records: by the parameter of the REST names that each flag stands for. */
const eventParameters = { component: 'component', type: 'event_type', status: 'status' };
const usageParameters = {
  model: 'model',
  layer: 'layer',
  provider: 'provider',
  operation: 'operation',
  agent: 'agent',
  project: 'project',
  team: 'team',
  user: 'user',
  session: 'session',
  status: 'status',
};

const metadataFlag = new Option(
  '--metadata <json>',
  'only records whose metadata contains this: {"gpu_id":0}',
);

export const eventFlags: readonly Option[] = [
  list('--component <name>', 'only events of this component'),
  list('--type <name>', 'only events of this type'),
  list('--status <text>', 'only records with this status'),
  metadataFlag,
];
const usageOnlyFlags: readonly Option[] = Object.keys(usageParameters)
  .filter((name) => name !== 'status')
  .map((name) => list(`--${name} <text>`, `only usage records of this ${name}`));
export const usageFlags: readonly Option[] = [
  ...usageOnlyFlags,
  list('--status <text>', 'only records with this status'),
  metadataFlag,
];
export const recordFlags: readonly Option[] = [...eventFlags, ...usageOnlyFlags];

export const rangeFlags: readonly Option[] = [
  new Option('--hours <number>', 'only the last so many hours'),
  new Option('--since <time>', 'from this time or day on, or so long ago: 30d, 12h, 15m'),
  new Option('--until <time>', 'before this time or day, or so long ago'),
];

/** The lists of a filter, by the names of the parameters; flags of the other kind are refused. */
export function filterOf(kind: Kind, flags: Flags): Record<string, string[]> {
  const [own, other] =
    kind === 'event' ? [eventParameters, usageParameters] : [usageParameters, eventParameters];
  const wrong = Object.keys(other).find((name) => !(name in own) && flags[name] !== undefined);
  if (wrong !== undefined) {
    throw new StartError(`--${wrong} is of ${kind === 'event' ? 'usage records' : 'events'} only`);
  }
  return Object.fromEntries(
    Object.entries(own).flatMap(([name, parameter]) => {
      const values = flags[name] as string[] | undefined;
      return values ? [[parameter, values]] : [];
    }),
  );
}

export function metadataOf(flags: Flags): string | undefined {
  const text = flags.metadata as string | undefined;
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text;
  } catch {
    // Told below.
  }
  throw new StartError(`--metadata: ${text} is no object in JSON, such as {"gpu_id":0}`);
}

/** Bounds of time. */
export interface Range {
  readonly since: Date | undefined;
  readonly until: Date | undefined;
}

export function rangeOf(flags: Flags): Range {
  const { hours, since, until } = flags as Record<string, string | undefined>;
  if (hours !== undefined && since !== undefined) {
    throw new StartError('either --hours or --since says where it begins, not both');
  }
  const end = until === undefined ? undefined : readTime('--until', until);
  if (hours === undefined) {
    return { since: since === undefined ? undefined : readTime('--since', since), until: end };
  }
  const number = Number(hours);
  if (!(number > 0)) throw new StartError(`--hours: ${JSON.stringify(hours)} is no number above 0`);
  const endMs = end?.getTime() ?? Date.now();
  return { since: agoFrom(endMs, number * hourMs, '--hours', hours), until: end };
}

/** The same as parameters of the REST names. */
export function parametersOf(kind: Kind, flags: Flags): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries(filterOf(kind, flags))) {
    for (const value of values) parameters.append(name, value);
  }
  const metadata = metadataOf(flags);
  if (metadata !== undefined) parameters.set('metadata', metadata);
  const { since, until } = rangeOf(flags);
  if (since) parameters.set('start_time', since.toISOString());
  if (until) parameters.set('end_time', until.toISOString());
  return parameters;
}

/** A flag that is a whole number. */
export function wholeOf(flags: Flags, name: string, otherwise: number, max: number): number {
  const text = flags[name] as string | undefined;
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new StartError(`--${name}: ${JSON.stringify(text)} is no whole number from 1 to ${max}`);
}

/** A flag that is one of some words. */
export function choiceOf<Choice extends string>(
  flags: Flags,
  name: string,
  choices: readonly Choice[],
  otherwise: Choice,
): Choice {
  const text = flags[name] ?? otherwise;
  const choice = choices.find((each) => each === text);
  if (choice) return choice;
  throw new StartError(`--${name}: ${JSON.stringify(text)} is none of ${choices.join(', ')}`);
}
