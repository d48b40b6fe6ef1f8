/**
 * Text of JSON that JSON.stringify writes as it is.
 * https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/JSON/rawJSON
 */
export const { rawJSON } = JSON as JSON & { rawJSON(text: string): unknown };

/** What JSON.stringify writes of a number so that nothing of it is lost: as ProtoJSON has it. */
export function exactNumber(value: number | null): unknown {
  if (Object.is(value, -0)) return rawJSON('-0');
  return value === null || Number.isFinite(value) ? value : String(value);
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** JSON, each number of which `read` makes something of, by how it is written. */
export function parseNumbers(
  text: string,
  read: (number: number, source: string) => unknown,
): unknown {
  const reviver: Reviver = (_, value, { source }) =>
    typeof value === 'number' ? read(value, source as string) : value;
  return JSON.parse(text, reviver as never);
}

/** A number that JSON.stringify writes digit by digit as it was. */
export const asWritten = (number: number, source: string): unknown =>
  String(number) === source ? number : rawJSON(source);
