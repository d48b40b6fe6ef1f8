import { numberText } from './markdown.ts';
import type { Section, Summary } from './summary.ts';

/** Sections whose rates can be compared: each is as much as there is room for. */
const colors: Readonly<Record<string, string>> = {
  raw: '#5b6770',
  stream: '#1a7f37',
  unary: '#0969da',
  grpc: '#0969da',
  bulk: '#8250df',
  otherwise: '#bc4c00',
};

const labelWidth = 330;
const plotWidth = 520;
const valueWidth = 90;
const lineHeight = 22;
const top = 40;
const bottom = 10;

/** Draws one line at a height of its own. */
type Line = (y: number) => string;

/**
 * Rows a second of each contestant on a logarithmic scale: a dot at the median, a bar from the
 * least to the greatest.
 */
export function toSvg(sections: readonly Section[]): string {
  const shown = sections.filter(({ name }) => name in colors);
  const rates = shown.flatMap(({ summaries }) => summaries.map((each) => each.rowsPerSecond));
  // Where everything was refused there is no rate, and no place on such a scale.
  const least = rates.map(({ min }) => min).filter((rate) => rate > 0);
  const low = Math.floor(Math.log10(Math.min(...least, 1000)));
  const high = Math.ceil(Math.log10(Math.max(...rates.map(({ max }) => max), 10_000)));
  const x = (rate: number) =>
    labelWidth + (plotWidth * (Math.log10(Math.max(rate, 10 ** low)) - low)) / (high - low);
  const lines = shown.flatMap(({ name, title, summaries }): Line[] => [
    (y) => text(10, y, `${name}: ${title}`, 'font-weight="bold"'),
    ...summaries.map((summary) => dot(summary, colors[name] as string, x)),
  ]);
  const width = labelWidth + plotWidth + valueWidth;
  const height = top + lines.length * lineHeight + bottom;
  const powers = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#1f2328">`,
    `<title>Rows a second of each contestant, logarithmic</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...powers.map((power) => gridLine(x(power), power, height - bottom)),
    ...lines.map((line, index) => line(top + (index + 0.5) * lineHeight)),
    '</svg>',
    '',
  ].join('\n');
}

function dot({ name, rowsPerSecond }: Summary, color: string, x: (rate: number) => number): Line {
  const { median, min, max } = rowsPerSecond;
  return (y) =>
    [
      text(labelWidth - 10, y, name, 'text-anchor="end"'),
      `<line x1="${x(min)}" x2="${x(max)}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="3" stroke-opacity="0.4"/>`,
      `<circle cx="${x(median)}" cy="${y}" r="4.5" fill="${color}"/>`,
      text(labelWidth + plotWidth + 10, y, `${numberText(median)}/s`),
    ].join('\n');
}

function gridLine(x: number, power: number, end: number): string {
  return [
    `<line x1="${x}" x2="${x}" y1="${top - 10}" y2="${end}" stroke="#d1d9e0"/>`,
    text(x, top - 20, power.toLocaleString('en'), 'text-anchor="middle"'),
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y + 4}" ${attributes}>${escaped}</text>`;
}
