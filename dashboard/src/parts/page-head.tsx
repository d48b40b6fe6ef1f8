import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { isAway } from '../api/reach.ts';
import { change, hrefWith, param } from '../state/address.ts';
import { customSpan, rangeAt, rangeName, ranges, spanText } from '../state/range.ts';
import { chooseZone, instantOf, offsetAt, zone, zones } from '../state/zone.ts';
import { clockSeconds } from '../times.ts';

export const PageHead = (props: { title: string; children?: ComponentChildren }) => (
  <div class="page-head">
    <h1>{props.title}</h1>
    {props.children}
  </div>
);

/** When what is shown was asked for. */
export const Updated = ({ at }: { at: number }) => (
  <span class="small muted">
    {isAway.value ? 'As of' : 'Updated'} {at ? clockSeconds(at) : '…'}
  </span>
);

interface Choice {
  readonly value: string;
  /** Short, for a row of links. */
  readonly label: string;
  readonly words: string;
}

interface ChoicesProps {
  readonly label: string;
  readonly name: string;
  readonly chosen: string;
  readonly choices: readonly Choice[];
}

/** Side by side where there is room, in a list where there is not. */
export const Choices = ({ label, name, chosen, choices }: ChoicesProps) => (
  <>
    <nav class="seg only-wide" aria-label={label}>
      {choices.map(({ value, label }) => (
        <a
          key={value}
          href={hrefWith({ [name]: value })}
          data-replace
          {...(value === chosen && { 'aria-current': 'true' })}
        >
          {label}
        </a>
      ))}
    </nav>
    <select
      class="field only-slim"
      aria-label={label}
      value={chosen}
      onChange={({ currentTarget }) => change({ [name]: currentTarget.value })}
    >
      {choices.map(({ value, words }) => (
        <option key={value} value={value} selected={value === chosen}>
          {words}
        </option>
      ))}
    </select>
  </>
);

export function RangeChoice() {
  const chosen = rangeName();
  const isCustom = customSpan(chosen) !== undefined;
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const custom = isCustom ? chosen : spanText(rangeAt(now));
  const choices = [
    ...Object.entries(ranges).map(([value, [label, words]]) => ({ value, label, words })),
    { value: custom, label: 'Custom', words: 'Custom' },
  ];
  return (
    <>
      <Choices label="Time range" name="t" chosen={chosen} choices={choices} />
      {isCustom && <CustomSpan name="t" />}
    </>
  );
}

/** Two times of the zone, as the browser lets one choose them. */
export function CustomSpan({ name }: { name: string }) {
  const span = customSpan(param(name));
  const [problem, setProblem] = useState('');
  if (!span) return null;
  const set = (edge: 'from' | 'to', text: string) => {
    const ms = instantOf(Date.parse(`${text}:00Z`));
    const next = { ...span, [edge]: ms };
    if (Number.isNaN(ms)) return;
    if (next.from < next.to) change({ [name]: spanText(next) });
    setProblem(next.from < next.to ? '' : 'The beginning has to be before the end.');
  };
  const field = (edge: 'from' | 'to', label: string) => (
    <label class="row tight small soft">
      {label}
      <input
        class="field"
        type="datetime-local"
        value={new Date(span[edge] + offsetAt(span[edge])).toISOString().slice(0, 16)}
        onChange={({ currentTarget }) => set(edge, currentTarget.value)}
      />
    </label>
  );
  return (
    <div class="row custom-span">
      {field('from', 'From')}
      {field('to', 'to')}
      {problem && (
        <span class="st err small" role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}

/** Hundreds of options take longer than the rest of a view: they come once it is drawn, or is reached for. */
export function ZoneChoice() {
  const [isWhole, setWhole] = useState(false);
  const fill = () => setWhole(true);
  useEffect(() => whenIdle(fill), []);
  const chosen = zone.value;
  const options = useMemo(
    () =>
      (isWhole ? zones.value : [chosen]).map((each) => (
        <option key={each} value={each} selected={each === chosen}>
          {each.replaceAll('_', ' ')}
        </option>
      )),
    [isWhole, chosen],
  );
  return (
    <select
      class="field zone"
      aria-label="Time zone"
      value={chosen}
      onFocus={fill}
      onPointerDown={fill}
      onChange={({ currentTarget }) => chooseZone(currentTarget.value)}
    >
      {options}
    </select>
  );
}

/** Calls it when nothing else is to be done, or after a second; answers with how to take that back. */
function whenIdle(call: () => void): () => void {
  // Not in every browser.
  if (!globalThis.requestIdleCallback) {
    const timer = setTimeout(call, 1000);
    return () => clearTimeout(timer);
  }
  const asked = requestIdleCallback(call, { timeout: 1000 });
  return () => cancelIdleCallback(asked);
}
