import type { JsonObject } from '@bufbuild/protobuf';
import { textOf } from '../api/events.ts';
import { milliseconds } from '../format.ts';
import { clockExact, date, iso } from '../times.ts';

/** A time in the zone of the page; the title has it in full. */
export const Time = ({ ms, text }: { ms: number; text?: string }) => (
  <time dateTime={iso(ms)} title={iso(ms)}>
    {text ?? `${date(ms)}, ${clockExact(ms)}`}
  </time>
);

export const Metadata = ({ metadata }: { metadata: JsonObject }) =>
  Object.keys(metadata).length === 0 ? (
    <span class="muted">none</span>
  ) : (
    <dl class="dl mono">
      {Object.entries(metadata).map(([name, value]) => [
        <dt key={`${name} name`}>{name}</dt>,
        <dd key={name}>{textOf(value)}</dd>,
      ])}
    </dl>
  );

export function Received({ sent, received }: { sent: number; received: number | undefined }) {
  if (received === undefined) return <span class="muted">not known</span>;
  const after = received - sent;
  const words = after < 0 ? 'before it was sent, by its clock' : 'later';
  return (
    <span title={iso(received)}>
      {milliseconds(Math.abs(after))} {words}
    </span>
  );
}
