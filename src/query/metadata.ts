import type { JsonObject } from '@bufbuild/protobuf';
import { asWritten, parseNumbers } from './exact-numbers.ts';

/** jsonb writes numbers without exponent: only long ones, and those with zeros at their end, lose. */
const mayLose = /[\d.]{16}|\.\d*0(?!\d)/;
const mayBeInfinite = /\d{309}/;

/** Metadata from jsonb's text, whose numbers JSON.stringify writes digit by digit as they are. */
export function exactMetadata(text: string | null): unknown {
  return (text === null ? null : object(text, mayLose, asWritten)) ?? {};
}

/**
 * Metadata from jsonb's text, as google.protobuf.Struct can hold it: each number is the nearest
 * double, and its digits as a string where there is none.
 */
export function doubleMetadata(text: string): JsonObject | null {
  return object(text, mayBeInfinite, (number, source) =>
    Number.isFinite(number) ? number : source,
  );
}

/** Looks at each number only where something in the text calls for it. */
function object(
  text: string,
  suspicious: RegExp,
  read: (number: number, source: string) => unknown,
): JsonObject | null {
  const metadata: unknown = suspicious.test(text) ? parseNumbers(text, read) : JSON.parse(text);
  // An older service may have written a list or a bare value where an object belongs.
  if (metadata === null) return null;
  return (text.startsWith('{') ? metadata : { value: metadata }) as JsonObject;
}
