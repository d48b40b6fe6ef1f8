import { theme } from '../state/theme.ts';
import type { Colour } from './model.ts';

export type Token = Colour | 'ink' | 'line' | 'line-2' | 'surface';

let probe: HTMLElement | undefined;
let known: { theme: string; colours: Map<Token, string> } | undefined;

/** A token as a canvas takes it: a custom property itself gives `light-dark(…)`. */
export function colourOf(token: Token): string {
  if (known?.theme !== theme.value) known = { theme: theme.value, colours: new Map() };
  const { colours } = known;
  const colour = colours.get(token);
  if (colour) return colour;
  if (!probe) {
    probe = document.createElement('span');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(--${token})`;
  const read = getComputedStyle(probe).color;
  colours.set(token, read);
  return read;
}

/** With so much of it that what is below shows. */
export const washed = (colour: string, share = 0.12): string =>
  colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);

/** Of what is not there yet. */
export function hatched(): CanvasPattern {
  const size = Math.round(6 * (devicePixelRatio || 1));
  const canvas = Object.assign(document.createElement('canvas'), { width: size, height: size });
  const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
  pen.fillStyle = colourOf('surface');
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = washed(colourOf('ink-3'), 0.6);
  pen.lineWidth = size / 6;
  // Thrice, so that the corners are whole.
  for (const x of [-size, 0, size]) {
    pen.moveTo(x - 1, size + 1);
    pen.lineTo(x + size + 1, -1);
  }
  pen.stroke();
  return pen.createPattern(canvas, 'repeat') as CanvasPattern;
}

const sans =
  '-apple-system, "Segoe UI Variable Text", "Segoe UI", Inter, Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif';
export const font = (weight = 400) => `${weight} 12px ${sans}`;

let context: CanvasRenderingContext2D | undefined;

/** In CSS pixels. */
export function textWidth(text: string, weight = 400): number {
  context ??= document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;
  context.font = font(weight);
  return context.measureText(text).width;
}
