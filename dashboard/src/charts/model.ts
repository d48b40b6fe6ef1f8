import { narrow } from '../format.ts';

/** Categories are s1 to s6, in this order, and `other`; quantiles are s1, ink-2 and ink-3. */
export type Colour = 's1' | 's2' | 's3' | 's4' | 's5' | 's6' | 's-other' | 'ink-2' | 'ink-3';

export interface Series {
  readonly name: string;
  readonly colour: Colour;
  /** One for each place of the axis; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** What is foreseen. */
  readonly isForecast?: boolean;
}

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface ChartModel {
  /** Bars stand upon each other. */
  readonly kind: 'lines' | 'bars';
  /** Ascending; ms for times. */
  readonly places: readonly number[];
  /** The ends of the axis, where they are not the first and the last place. */
  readonly span?: readonly [number, number];
  readonly series: readonly Series[];
  /** Of the value axis; the top tick repeats it. */
  readonly unit: string;
  /** A value with its unit. */
  show(value: number): string;
  /** A value as the axis has it; the unit is added to the top one. */
  axis?(value: number): string;
  /** What a place is called, in the readout and in the table. */
  head(place: number): string;
  /** What the place axis says, for so many pixels. */
  ticks(width: number): readonly Tick[];
  readonly isArea?: boolean;
  readonly max?: number;
  readonly marks?: readonly { readonly at: number; readonly label: string }[];
  /** Across the places, as quantiles are in a histogram. */
  readonly columns?: readonly { readonly at: number; readonly label: string }[];
  /** At most so many places without a value between two with one are no gap: of what is looked at now and then. */
  readonly bridged?: number;
  /** From here on nobody answered. */
  readonly hatchedFrom?: number;
}

export interface Scale {
  readonly step: number;
  readonly max: number;
}

/** Two to four steps of 1, 2, 2.5 or 5, from 0 to the least that holds a value. */
export function niceScale(greatest: number, stepsWished = 3): Scale {
  if (!(greatest > 0)) return { step: 1, max: 2 };
  const power = 10 ** Math.floor(Math.log10(greatest / stepsWished));
  let best: Scale | undefined;
  for (const size of [power, power * 10]) {
    for (const factor of [1, 2, 2.5, 5]) {
      const step = factor * size;
      const count = Math.ceil(greatest / step - 1e-9);
      if (count < 2 || count > 4 || (factor === 2.5 && size < 10)) continue;
      if (!best || count * step < best.max - 1e-9) best = { step, max: count * step };
    }
  }
  return best ?? { step: power * 5, max: power * 10 };
}

/** Round values between two others, at most so many. */
export function roundBetween(from: number, to: number, count: number): number[] {
  const least = (to - from) / Math.max(1, count);
  if (!(least > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least) ?? 10) * power;
  const first = Math.ceil(from / step);
  const places = Math.floor(to / step) - first + 1;
  return Array.from({ length: places }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

export function greatestOf(model: ChartModel): number {
  const { kind, series, places } = model;
  if (kind === 'lines') {
    return Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  }
  const total = (at: number) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0);
  return Math.max(0, ...places.map((_, at) => total(at)));
}

/** As the axis has it: 75 ms, 50, 25, 0. */
export function axisLabel(model: ChartModel, scale: Scale, value: number): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(scale.step) + 1e-9));
  const isPlain = Number.isInteger(scale.step * 10 ** decimals);
  const digits = { maximumFractionDigits: isPlain ? decimals : decimals + 1 };
  const text = model.axis?.(value) ?? value.toLocaleString('en', digits);
  return value > scale.max - scale.step / 2 && model.unit ? `${text}${narrow}${model.unit}` : text;
}

export const lastOf = ({ values }: Series): { at: number; value: number } | undefined => {
  const at = values.findLastIndex((value) => value !== null);
  return at < 0 ? undefined : { at, value: values[at] as number };
};
