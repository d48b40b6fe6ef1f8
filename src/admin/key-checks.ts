import { scopes as allScopes, type Scope } from '../serve/caller.ts';
import { dayMs, hourMs, minuteMs } from '../units.ts';
import { invalid, type KeyLimits } from './key.ts';

/** Throws a `ServiceError` for what are no scopes. */
export function checkScopes(given: readonly string[]): readonly Scope[] {
  const wrong = given.find((scope) => !allScopes.some((known) => known === scope));
  if (given.length > 0 && wrong === undefined)
    return allScopes.filter((each) => given.includes(each));
  const shown = wrong === undefined ? 'are missing' : `have ${JSON.stringify(wrong.slice(0, 40))}`;
  throw invalid('scopes', `${shown}: expects some of ${allScopes.join(', ')}`);
}

/** Throws a `ServiceError` for limits that are none; leaves out those that are 0 or not given. */
export function checkLimits(given: KeyLimits): KeyLimits {
  const { recordsPerSecond, bytesPerSecond, bufferShare, queryShare } = given;
  return {
    recordsPerSecond: rate('records_per_second', recordsPerSecond),
    bytesPerSecond: rate('bytes_per_second', bytesPerSecond),
    bufferShare: share('buffer_share', bufferShare),
    queryShare: share('query_share', queryShare),
  };
}

function rate(field: string, value = 0): number | undefined {
  if (Number.isInteger(value) && value >= 0 && value <= 1e12) return value || undefined;
  throw invalid(field, 'expects a whole number from 1 to 1000000000000');
}

function share(field: string, value = 0): number | undefined {
  if (value >= 0 && value <= 1) return value || undefined;
  throw invalid(field, 'expects a number above 0 and up to 1');
}

const agePattern = /^(\d{1,6})(m|h|d)$/;
const unitsMs: Readonly<Record<string, number>> = { m: minuteMs, h: hourMs, d: dayMs };
const timePattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A time in the future, by itself (RFC 3339, or a day) or from now (30d, 12h, 15m); undefined: never. */
export function readExpiry(text: string, nowMs = Date.now()): Date | undefined {
  if (text === '' || text === 'never') return undefined;
  const [, count, unit = ''] = agePattern.exec(text) ?? [];
  const isAge = count !== undefined;
  const date = new Date(isAge ? nowMs + Number(count) * (unitsMs[unit] as number) : text);
  if ((isAge || timePattern.test(text)) && !Number.isNaN(date.getTime())) return date;
  throw invalid(
    'expires',
    'expects a time such as 2027-01-31T00:00:00Z, or from now: 30d, 12h, 15m',
  );
}
