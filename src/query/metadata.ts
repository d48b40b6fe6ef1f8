import type { JsonObject } from '@bufbuild/protobuf';
import { rawJSON } from './exact-numbers.ts';

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** jsonb writes numbers without exponent: only long ones, and those with zeros at their end, lose. */
const mayLose = /[\d.]{16}|\.\d*0(?!\d)/;
const mayBeInfinite = /\d{309}/;

/** Metadata from jsonb's text, whose numbers JSON.stringify writes digit by digit as they are. */
export function exactMetadata(text: string | null): unknown {
  const exact = (number: number, source: string) =>
    String(number) === source ? number : rawJSON(source);
  return (text === null ? null : object(text, mayLose, exact)) ?? {};
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
  const reviver: Reviver = (_, value, { source }) =>
    typeof value === 'number' ? read(value, source as string) : value;
  const metadata: unknown = JSON.parse(
    text,
    suspicious.test(text) ? (reviver as never) : undefined,
  );
  // An older service may have written a list or a bare value where an object belongs.
  if (metadata === null) return null;
  return (text.startsWith('{') ? metadata : { value: metadata }) as JsonObject;
}
