/** A string of JSON with its quotes, known to be one. `escaped`: whether a backslash is in it. */
export function readText(bytes: Buffer, at: number, end: number, escaped: boolean): string {
  return escaped
    ? (JSON.parse(bytes.toString('utf8', at, end)) as string)
    : bytes.toString('utf8', at + 1, end - 1);
}
