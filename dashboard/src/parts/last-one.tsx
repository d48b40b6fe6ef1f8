import { useAnswer } from '../api/answer.ts';
import { query } from '../api/client.ts';
import { timeOf } from '../api/events.ts';
import { change } from '../state/address.ts';
import { moment } from '../times.ts';

const hourMs = 3_600_000;
/** The shortest range that reaches so far back. */
const reaches: readonly (readonly [ms: number, t: string, words: string])[] = [
  [hourMs, '1h', 'the last hour'],
  [6 * hourMs, '6h', 'the last 6 h'],
  [24 * hourMs, '24h', 'the last 24 h'],
  [7 * 24 * hourMs, '7d', 'the last 7 d'],
  [30 * 24 * hourMs, '30d', 'the last 30 d'],
];

/** Where a range has no event of a type: when the last one came, and the range that has it. */
export function LastOne({ type }: { type: string }) {
  const { value } = useAnswer(type ? `last ${type}` : undefined, (signal) =>
    query.listEvents({ filter: { eventTypes: [type] }, pageSize: 1 }, { signal }),
  );
  const [last] = value?.events ?? [];
  if (!value) return <span>…</span>;
  if (!last) return <span>None was ever sent.</span>;
  const at = timeOf(last);
  const reach = reaches.find(([ms]) => ms > Date.now() - at);
  return (
    <>
      <span>The last one is of {moment(at)}.</span>
      {reach && (
        <button type="button" class="btn tiny" onClick={() => change({ t: reach[1] })}>
          Show {reach[2]}
        </button>
      )}
    </>
  );
}
