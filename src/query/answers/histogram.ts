import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HistogramSchema } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { sketchValue } from '../../rollup/sketch.ts';
import type { Cells, CellsOrBytes } from '../../rollup/sketch-cells.ts';
import { cellsIn } from '../../rollup/sketch-sums.ts';
import { quantilesOf } from '../totals/quantiles-of.ts';

/** What is far above all others would make all others one bucket. */
const tailShare = 0.99;
const tailRoom = 1.25;

/** How values are spread, in about so many buckets of one width; undefined where there are none. */
export function histogram(
  sketch: CellsOrBytes,
  min: number | null,
  max: number | null,
  buckets: number,
): MessageInitShape<typeof HistogramSchema> | undefined {
  const cells = cellsIn(sketch);
  const [high] = quantilesOf(cells, min, max, [tailShare]);
  if (high === undefined || min === null || max === null) return undefined;
  const top = high > 0 ? Math.min(max, high * tailRoom) : max;
  const step = stepOf((top - min) / buckets, min);
  const first = Math.floor(min / step) * step;
  const count = Math.max(1, Math.ceil((top - first) / step + Number.EPSILON));
  // Values so far apart that their difference is no number any more.
  if (!Number.isFinite(step) || !Number.isFinite(first) || count > buckets * 2 + 2) {
    return { buckets: [{ from: min, to: max, count: total(cells) }] };
  }
  const counts = new Array<number>(count).fill(0);
  let above = 0;
  for (let index = 0; index < cells.keys.length; index++) {
    const [key, number] = [cells.keys[index] as number, cells.counts[index] as number];
    const value = Math.min(max, Math.max(min, sketchValue(key)));
    const at = Math.max(0, Math.floor((value - first) / step));
    // The last bucket has its upper bound.
    if (at < count) counts[at] = (counts[at] as number) + number;
    else if (value <= first + count * step)
      counts[count - 1] = (counts[count - 1] as number) + number;
    else above += number;
  }
  return {
    buckets: counts.map((each, index) => ({
      from: first + index * step,
      to: first + (index + 1) * step,
      count: BigInt(each),
    })),
    above: BigInt(above),
  };
}

const total = ({ counts }: Cells): bigint =>
  BigInt(Array.from(counts).reduce((sum, each) => sum + each, 0));

/** The next of 1, 2, 2.5 and 5 times a power of ten. */
function stepOf(width: number, value: number): number {
  const least = width > 0 ? width : Math.max(Math.abs(value) / 100, Number.MIN_VALUE * 1e16) || 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 2.5, 5, 10].find((each) => each * power >= least) ?? 10) * power;
}
