import uPlot from 'uplot';
import { colourOf, font, hatched, textWidth, washed } from './colours.ts';
import { drawOver, drawUnder, labelsWidth } from './drawings.ts';
import {
  axisLabel,
  type ChartModel,
  greatestOf,
  niceScale,
  type Scale,
  type Tick,
} from './model.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** From here on bars are a spread rather than one thing beside another. */
const manyBars = 31;

/** Below, or where names would take more than their part, lines are named by a legend in the place of labels at their ends. */
const labelledFrom = 420;
const labelsShare = 0.4;
export const hasLabels = (model: ChartModel, width: number): boolean =>
  model.kind === 'lines' &&
  model.series.length > 1 &&
  width >= labelledFrom &&
  labelsWidth(model) < labelsShare * width;

const scaleOf = (model: ChartModel): Scale =>
  model.max
    ? { step: model.max / 4, max: model.max }
    : niceScale(greatestOf(model) * (model.kind === 'lines' ? 1.04 : 1.02));

/** What uPlot is told to draw: hairlines across, no box, labels at the lines' ends. */
export function optionsOf(model: ChartModel, size: Size, onCursor: (plot: uPlot) => void) {
  const scale = scaleOf(model);
  const steps = Math.round(scale.max / scale.step);
  const values = Array.from({ length: steps + 1 }, (_, at) => at * scale.step);
  const labels = values.map((value) => axisLabel(model, scale, value));
  const left = Math.max(24, ...labels.map((label) => textWidth(label))) + 10;
  const right = hasLabels(model, size.width) ? labelsWidth(model) : 16;
  const ticks = fitting(model, size.width - left - right, left, right);
  const axis = { stroke: colourOf('ink-3'), font: font() };
  const options: uPlot.Options = {
    ...size,
    padding: [8, right, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: false, range: () => spanOf(model) }, y: { range: [0, scale.max] } },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 2,
        grid: { show: false },
        ticks: { show: model.kind === 'lines', stroke: colourOf('line-2'), width: 1, size: 4 },
        splits: () => ticks.map(({ at }) => at),
        values: () => ticks.map(({ label }) => label),
      },
      {
        ...axis,
        size: left,
        gap: 8,
        grid: { stroke: colourOf('line'), width: 1 },
        ticks: { show: false },
        splits: () => values,
        values: () => labels,
      },
    ],
    series: [{}, ...seriesOf(model)],
    hooks: {
      drawAxes: [(plot) => drawUnder(plot, model)],
      draw: [(plot) => drawOver(plot, model, hasLabels(model, size.width))],
      setCursor: [onCursor],
    },
  };
  return options;
}

/** Of the places that are named, those whose names the drawing has room for. */
function fitting(model: ChartModel, width: number, left: number, right: number): Tick[] {
  const [from, to] = spanOf(model);
  return model.ticks(width).filter(({ at, label }) => {
    const x = (width * (at - from)) / (to - from);
    const half = textWidth(label) / 2;
    return x - half >= -left && x + half <= width + right;
  });
}

function spanOf({ kind, places, span }: ChartModel): [number, number] {
  if (span) return [...span];
  const [first, last] = [places[0] ?? 0, places.at(-1) ?? 1];
  return kind === 'bars' ? [first - 0.5, last + 0.5] : [first, last === first ? first + 1 : last];
}

function seriesOf(model: ChartModel): uPlot.Series[] {
  if (model.kind === 'bars') {
    // The tallest first, so that the lower ones stand before it.
    return model.series.toReversed().map(({ colour, isForecast }) => ({
      stroke: colourOf(isForecast ? 'ink-3' : 'surface'),
      width: 1,
      fill: isForecast ? hatched() : colourOf(colour),
      paths: (uPlot.paths.bars as uPlot.Series.BarsPathBuilderFactory)({
        size: [model.places.length > manyBars ? 0.92 : 0.72, 40, 2],
      }),
      points: { show: false },
    }));
  }
  return model.series.map(({ colour, isForecast }) => ({
    stroke: colourOf(colour),
    width: colour === 'ink-3' ? 1.25 : 1.75,
    ...(model.isArea && { fill: washed(colourOf(colour)) }),
    ...(isForecast && { dash: [2, 4] }),
    points: { show: model.places.length === 1, size: 5, fill: colourOf(colour) },
    gaps: (plot, _series, _from, _to, gaps) => gaps.filter(isGap(plot, model)),
  }));
}

/** Whether between two values, in pixels of the canvas, more places are missing than are bridged. */
function isGap(plot: uPlot, { places, bridged = 0 }: ChartModel) {
  const [first = 0, second = first] = places;
  const width = plot.valToPos(second, 'x', true) - plot.valToPos(first, 'x', true);
  return ([from, to]: [number, number]) => to - from > (bridged + 1.5) * width;
}

/** By series as they are drawn; bars are the sums up to and with their own. */
export function dataOf({ kind, places, series }: ChartModel): uPlot.AlignedData {
  if (kind === 'lines') {
    return [[...places], ...series.map(({ values }) => [...values])];
  }
  const sums = places.map(() => 0);
  const stacked = series.map(({ values }) =>
    values.map((value, at) => {
      sums[at] = (sums[at] ?? 0) + (value ?? 0);
      return value ? (sums[at] as number) : null;
    }),
  );
  return [[...places], ...stacked.toReversed()];
}
