import type { Connection } from './connection.ts';
import { parseExactly } from './exact-json.ts';
import type { Kind } from './record-flags.ts';
import type { FlatRecord } from './records.ts';

const paths: Readonly<Record<Kind, string>> = {
  event: '/v1/telemetry/events',
  usage: '/v1/telemetry/usage/records',
};

const pageRowsMax = 1000;

/** Records, page by page, from the newest to the oldest; each page begins where the last one ended. */
export async function* pages(
  connection: Connection,
  kind: Kind,
  parameters: URLSearchParams,
  rowsMax = Number.POSITIVE_INFINITY,
): AsyncGenerator<FlatRecord[]> {
  let next: URLSearchParams | undefined = new URLSearchParams(parameters);
  for (let left = rowsMax; next && left > 0; ) {
    next.set('limit', String(Math.min(pageRowsMax, left)));
    next.set('format', 'ndjson');
    const answer = await connection.get(paths[kind], next);
    const lines = answer.text.split('\n').filter((line) => line !== '');
    const records = lines.map((line) => parseExactly(line) as FlatRecord);
    yield records;
    left -= records.length;
    next = answer.next;
  }
}
