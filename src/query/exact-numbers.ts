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
