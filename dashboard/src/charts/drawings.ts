import type uPlot from 'uplot';
import { colourOf, font, textWidth, washed } from './colours.ts';
import { type ChartModel, lastOf } from './model.ts';

/** What uPlot does not draw by itself; in pixels of the canvas. */
type Pen = CanvasRenderingContext2D;

const ratio = () => devicePixelRatio || 1;
const canvasFont = (weight = 400) => font(weight).replace('12px', `${Math.round(12 * ratio())}px`);

/** Between a name and its value. */
const labelGap = 5;

export const labelsWidth = (model: ChartModel): number =>
  14 +
  Math.max(
    ...model.series.map((series) => {
      const last = lastOf(series);
      return (
        textWidth(series.name) + labelGap + (last ? textWidth(model.show(last.value), 600) : 0)
      );
    }),
  );

/** Below the lines: where nobody answered, and what they are measured by. */
export function drawUnder(plot: uPlot, model: ChartModel): void {
  const pen = plot.ctx;
  pen.save();
  if (model.kind === 'lines') drawBaseline(plot, pen);
  if (model.hatchedFrom !== undefined) drawHatch(plot, pen, model.hatchedFrom);
  for (const mark of model.marks ?? []) drawMark(plot, pen, mark);
  pen.restore();
}

/** Above what is drawn: the names of lines and last values, and the quantiles of a histogram. */
export function drawOver(plot: uPlot, model: ChartModel, isLabelled: boolean): void {
  const pen = plot.ctx;
  pen.save();
  if (model.kind === 'bars') drawBaseline(plot, pen);
  for (const column of model.columns ?? []) drawColumn(plot, pen, column);
  if (isLabelled) drawLabels(plot, pen, model);
  pen.restore();
}

function drawBaseline({ bbox }: uPlot, pen: Pen): void {
  pen.strokeStyle = colourOf('line-2');
  pen.lineWidth = ratio();
  const y = Math.round(bbox.top + bbox.height) + 0.5;
  stroke(pen, [bbox.left, y], [bbox.left + bbox.width, y]);
}

function drawHatch(plot: uPlot, pen: Pen, from: number): void {
  const { top, height, left, width } = plot.bbox;
  const start = Math.max(left, plot.valToPos(from, 'x', true));
  if (start >= left + width) return;
  pen.save();
  pen.beginPath();
  pen.rect(start, top, left + width - start, height);
  pen.clip();
  pen.strokeStyle = washed(colourOf('ink-3'), 0.45);
  pen.lineWidth = ratio();
  for (let x = start - height; x < left + width; x += 7 * ratio()) {
    stroke(pen, [x, top + height], [x + height, top]);
  }
  pen.restore();
}

function drawMark(plot: uPlot, pen: Pen, { at, label }: { at: number; label: string }): void {
  const { left, width } = plot.bbox;
  const y = Math.round(plot.valToPos(at, 'y', true)) + 0.5;
  pen.strokeStyle = colourOf('ink-3');
  pen.lineWidth = ratio();
  pen.setLineDash([4 * ratio(), 3 * ratio()]);
  stroke(pen, [left, y], [left + width, y]);
  pen.setLineDash([]);
  pen.textAlign = 'left';
  write(pen, label, left + 4 * ratio(), y - 9 * ratio(), 'ink-2');
}

function drawColumn(plot: uPlot, pen: Pen, { at, label }: { at: number; label: string }): void {
  const { top, height, left, width } = plot.bbox;
  const x = Math.round(plot.valToPos(at, 'x', true)) + 0.5;
  if (x < left || x > left + width) return;
  for (const [token, thickness] of [
    ['surface', 4],
    ['ink-2', 1],
  ] as const) {
    pen.strokeStyle = colourOf(token);
    pen.lineWidth = thickness * ratio();
    stroke(pen, [x, top], [x, top + height]);
  }
  const isRoom = x + (textWidth(label, 600) + 5) * ratio() < left + width;
  pen.textAlign = isRoom ? 'left' : 'right';
  write(pen, label, x + (isRoom ? 5 : -5) * ratio(), top + 6 * ratio(), 'ink', 600);
}

/** Beside the last value of each line, none upon another. */
function drawLabels(plot: uPlot, pen: Pen, model: ChartModel): void {
  const { top, height, left, width } = plot.bbox;
  const distance = 16 * ratio();
  const labels = model.series
    .flatMap((series) => {
      const last = lastOf(series);
      if (!last) return [];
      const x = plot.valToPos(model.places[last.at] as number, 'x', true);
      const y = plot.valToPos(last.value, 'y', true);
      return [{ series, text: model.show(last.value), x, y, labelY: y }];
    })
    .toSorted((a, b) => a.y - b.y);
  let least = top;
  for (const label of labels) {
    label.labelY = Math.max(label.y, least);
    least = label.labelY + distance;
  }
  let most = top + height;
  for (const label of labels.toReversed()) {
    label.labelY = Math.min(label.labelY, most);
    most = label.labelY - distance;
  }
  for (const { series, text, x, y, labelY } of labels) {
    pen.fillStyle = colourOf(series.colour);
    pen.beginPath();
    pen.arc(x, y, 2.5 * ratio(), 0, 2 * Math.PI);
    pen.fill();
    pen.textAlign = 'left';
    const nameX = left + width + 8 * ratio();
    write(pen, series.name, nameX, labelY, 'ink-2');
    write(pen, text, nameX + (textWidth(series.name) + labelGap) * ratio(), labelY, 'ink', 600);
  }
}

function write(pen: Pen, text: string, x: number, y: number, token: 'ink' | 'ink-2', weight = 400) {
  pen.font = canvasFont(weight);
  pen.textBaseline = 'middle';
  pen.fillStyle = colourOf(token);
  pen.fillText(text, x, y);
}

function stroke(pen: Pen, from: readonly [number, number], to: readonly [number, number]): void {
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}
