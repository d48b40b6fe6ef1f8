import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/**
 * Every colour of the dashboard against WCAG's contrast, and the colours of series against each other
 * (CIEDE2000) as they are seen plainly and by those who see fewer colours (Machado, Oliveira and
 * Fernandes 2009, severity 1).
 */
const css = readFileSync(new URL('../../dashboard/style/tokens.css', import.meta.url), 'utf8');
const tokens = [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)];
const themes = ['light', 'dark'].map(
  (name, at) =>
    [name, Object.fromEntries(tokens.map((match) => [match[1], match[2 + at]]))] as const,
) as [string, Record<string, string>][];

type Triple = readonly [number, number, number];

const sights: Readonly<Record<string, readonly Triple[]>> = {
  plainly: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'with protanopia': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'with deuteranopia': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  'with tritanopia': [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const toLinear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const triple = (of: (at: number) => number): Triple => [of(0), of(1), of(2)];
const linearOf = (hex: string): Triple =>
  triple((at) => toLinear(Number.parseInt(hex.slice(1 + 2 * at, 3 + 2 * at), 16) / 255));
const dot = (a: Triple, b: Triple) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

const luminance = (hex: string) => dot([0.2126, 0.7152, 0.0722], linearOf(hex));
function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function lab(linear: Triple): Triple {
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f(dot([0.4124564, 0.3575761, 0.1804375], linear) / 0.95047);
  const y = f(dot([0.2126729, 0.7151522, 0.072175], linear));
  const z = f(dot([0.0193339, 0.119192, 0.9503041], linear) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const radians = Math.PI / 180;
const cosine = (degrees: number) => Math.cos(degrees * radians);
const hueOf = (a: number, b: number) => (a || b ? (Math.atan2(b, a) / radians + 360) % 360 : 0);

/** https://doi.org/10.1002/col.20070 */
function distance([L1, a1, b1]: Triple, [L2, a2, b2]: Triple): number {
  const seventh = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const stretch = 1.5 - 0.5 * Math.sqrt(seventh / (seventh + 25 ** 7));
  const [x1, x2] = [a1 * stretch, a2 * stretch];
  const [c1, c2] = [Math.hypot(x1, b1), Math.hypot(x2, b2)];
  const [h1, h2] = [hueOf(x1, b1), hueOf(x2, b2)];
  const turn = c1 * c2 === 0 ? 0 : ((h2 - h1 + 540) % 360) - 180;
  const chroma = (c1 + c2) / 2;
  const hue = c1 * c2 === 0 ? h1 + h2 : (h1 + turn / 2 + 360) % 360;
  const apart = 2 * Math.sqrt(c1 * c2) * Math.sin((turn / 2) * radians);
  const t =
    1 -
    0.17 * cosine(hue - 30) +
    0.24 * cosine(2 * hue) +
    0.32 * cosine(3 * hue + 6) -
    0.2 * cosine(4 * hue - 63);
  const middle = ((L1 + L2) / 2 - 50) ** 2;
  const l = (L2 - L1) / (1 + (0.015 * middle) / Math.sqrt(20 + middle));
  const c = (c2 - c1) / (1 + 0.045 * chroma);
  const h = apart / (1 + 0.015 * chroma * t);
  const rotation =
    -2 *
    Math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7)) *
    Math.sin(60 * Math.exp(-(((hue - 275) / 25) ** 2)) * radians);
  return Math.sqrt(l * l + c * c + h * h + rotation * c * h);
}

const seen = (hex: string, matrix: readonly Triple[]): Triple =>
  lab(triple((at) => Math.min(1, Math.max(0, dot(matrix[at] as Triple, linearOf(hex))))));

describe.each(themes)('colours, %s', (_name, theme) => {
  const series = Object.keys(theme).filter((token) => /^s(\d|-other)$/.test(token));
  const colour = (token: string) => theme[token] as string;

  it('let texts be read', () => {
    expect(series.length).toBe(7);
    const texts = ['ink', 'ink-2', 'ink-3', 'accent', 'ok', 'warn', 'err'];
    const pairs = ['bg', 'surface', 'sunken'].flatMap((ground) =>
      texts.map((text) => [text, ground]),
    );
    pairs.push(['on-accent', 'accent'], ['ink', 'accent-soft'], ['ink-3', 'accent-soft']);
    pairs.push(['ink', 'warn-soft'], ['warn', 'warn-soft'], ['accent', 'warn-soft']);
    pairs.push(['ink', 'err-soft'], ['err', 'err-soft']);
    const poor = pairs.filter(
      ([text, ground]) => contrast(colour(text as string), colour(ground as string)) < 4.5,
    );
    expect(poor).toEqual([]);
  });

  it('let lines, bars and fields be seen', () => {
    for (const ground of ['bg', 'surface', 'sunken']) {
      const poor = ['field', ...series].filter(
        (each) => contrast(colour(each), colour(ground)) < 3,
      );
      expect([ground, poor]).toEqual([ground, []]);
    }
  });

  it.each(Object.entries(sights))('tell series apart, seen %s', (sight, matrix) => {
    const pairs = series.flatMap((a) => series.filter((b) => a < b).map((b) => [a, b] as const));
    const near = pairs.map(([a, b]) => distance(seen(colour(a), matrix), seen(colour(b), matrix)));
    expect(Math.min(...near)).toBeGreaterThanOrEqual(sight === 'with tritanopia' ? 9 : 12);
  });
});
