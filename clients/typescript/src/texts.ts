/** The text of whatever was thrown or given, which may be an object without one. */
export function textOf(value: unknown): string {
  try {
    return String(value).toWellFormed();
  } catch {
    return 'something without a text';
  }
}
