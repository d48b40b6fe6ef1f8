/** Drawings without an axis, beside the number that they are of. */

interface SparklineProps {
  readonly values: readonly (number | null)[];
  /** Of the period before, in grey. */
  readonly before?: readonly (number | null)[];
  /** Places in all, where fewer are filled. */
  readonly count?: number;
  readonly isZeroBased?: boolean;
}

const height = 24;

export function Sparkline({ values, before = [], count, isZeroBased }: SparklineProps) {
  const known = [...values, ...before].filter((value) => value !== null);
  if (known.length < 2) return null;
  const most = Math.max(...known);
  const least = isZeroBased ? 0 : Math.min(...known) - (most - Math.min(...known)) * 0.3;
  const places = count ?? Math.max(values.length, before.length);
  const x = (at: number) => (places > 1 ? 2 + (96 * at) / (places - 1) : 50);
  const y = (value: number) => 3 + (height - 6) * (1 - (value - least) / (most - least || 1));
  const path = (line: readonly (number | null)[]) =>
    line
      .map((value, at) => {
        if (value === null) return '';
        const pen = at === 0 || line[at - 1] === null ? 'M' : 'L';
        return `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      })
      .join('');
  const last = values.findLastIndex((value) => value !== null);
  return (
    <svg viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {before.length > 0 && <path class="ln thin qg" d={path(before)} />}
      <path class={`ln thin ${before.length > 0 ? 'q1' : 'qi'}`} d={path(values)} />
      {last >= 0 && (
        // A line of no length with round ends: a dot, however the drawing is stretched.
        <path class="dot q1" d={`M${x(last)} ${y(values[last] as number)}h0`} />
      )}
    </svg>
  );
}

/** As many as such a small drawing can show. */
const cellPoints = 24;

function condensed(values: readonly (number | null)[]): (number | null)[] {
  const each = Math.ceil(values.length / cellPoints);
  return Array.from({ length: Math.ceil(values.length / (each || 1)) }, (_, at) => {
    const part = values.slice(at * each, (at + 1) * each).filter((value) => value !== null);
    return part.length === 0 ? null : part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

export const CellSparkline = ({ values, ...rest }: SparklineProps) => (
  <div class="spark">
    <Sparkline values={condensed(values)} {...rest} />
  </div>
);

/** A part of a whole. */
export const ShareBar = ({ share, colour = 's1' }: { share: number; colour?: string }) => (
  <div class="share">
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="ft" width="100" height="8" />
      <rect class={`f-${colour}`} width={share > 0 ? Math.max(2, 100 * share) : 0} height="8" />
    </svg>
  </div>
);

export interface Part {
  readonly name: string;
  readonly value: number;
  readonly colour: string;
}

/** Parts side by side, named by the table below. */
export function PartsBar({ parts }: { parts: readonly Part[] }) {
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  let left = 0;
  return (
    <div class="meter-24 share">
      <svg viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
        {parts.map(({ name, value, colour }) => {
          const width = (100 * value) / (total || 1);
          const x = left;
          left += width;
          return (
            <rect key={name} class={`f-${colour} sep`} x={x} width={width} height="24">
              <title>{name}</title>
            </rect>
          );
        })}
      </svg>
    </div>
  );
}

/** What is used of a limit; the notch is where it gets tight. */
export function Meter({ share, notch = 0.9 }: { share: number; notch?: number }) {
  const most = Math.min(share, 1);
  return (
    <div class="meter share">
      <svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
        <rect class="ft" width="100" height="12" />
        <rect class="f-s1" width={100 * Math.min(most, notch)} height="12" />
        {most > notch && (
          <rect class="fwarn" x={100 * notch} width={100 * (most - notch)} height="12" />
        )}
        <path class="notch" d={`M${100 * notch} 0v12`} />
      </svg>
    </div>
  );
}
