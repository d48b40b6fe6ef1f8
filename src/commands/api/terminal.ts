import { once } from 'node:events';
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { StartError } from '../../errors.ts';
import { plain } from '../plain.ts';

/** Where output is no terminal: whoever reads it can make of it what they want. */
const unboundedWidth = Number.POSITIVE_INFINITY;

/** Whoever reads may leave when they have seen enough: `| head`. Anything else is a failure. */
export function endQuietly(onLeft: () => void, onFailure: (error: StartError) => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') onLeft();
    else onFailure(new StartError(`the standard output: ${error.message}`));
  });
}

/** Prints, no faster than it is read. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Says something to people alone. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export const terminalWidth = (): number =>
  process.stdout.isTTY ? process.stdout.columns || 80 : unboundedWidth;

type Style = Parameters<typeof styleText>[0];

/** In colour on a terminal, unless NO_COLOR is set. */
export const styled = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** A column of a table, the most telling first. */
export interface Column {
  readonly name: string;
  /** Of numbers. */
  readonly right?: boolean;
  /** Told whole or not at all, as numbers are. */
  readonly whole?: boolean;
}

const gap = 2;
/** Of a text less than this tells nothing. */
const textMin = 8;

/** Rows as lines under a head, as wide as the terminal at the most. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = terminalWidth(),
): string[] {
  const cells = rows.map((row) => row.map(plain));
  const wanted = columns.map(({ name }, index) =>
    Math.max(stringWidth(name), ...cells.map((row) => stringWidth(row[index] ?? ''))),
  );
  const widths = fitting(columns, wanted, width);
  const line = (row: readonly string[]) =>
    widths
      .map((width, index) => padded(row[index] ?? '', width, columns[index]?.right === true))
      .join(' '.repeat(gap))
      .trimEnd();
  const head = line(columns.map(({ name }) => name));
  return [styled('bold', head), ...cells.map(line)];
}

/** How wide the columns are, but for the last ones where there is no room for them. */
function fitting(columns: readonly Column[], wanted: readonly number[], width: number): number[] {
  const least = columns.map(({ right, whole }, index) => {
    const full = wanted[index] as number;
    return right || whole ? full : Math.min(full, textMin);
  });
  for (let count = columns.length; count > 1; count--) {
    const room = width - gap * (count - 1);
    if (sumOf(least.slice(0, count)) <= room) return narrowed(wanted.slice(0, count), least, room);
  }
  return wanted.slice(0, 1).map((first) => Math.min(first, width));
}

const sumOf = (widths: readonly number[]): number => widths.reduce((sum, each) => sum + each, 0);

/** The widest texts give way first. */
function narrowed(wanted: readonly number[], least: readonly number[], room: number): number[] {
  const widths = wanted.map((each, index) =>
    Math.max(least[index] as number, Math.min(each, room)),
  );
  for (let excess = sumOf(widths) - room; excess > 0; excess--) {
    const spare = widths.map((each, index) => (each > (least[index] as number) ? each : 0));
    const widest = spare.indexOf(Math.max(...spare));
    widths[widest] = (widths[widest] as number) - 1;
  }
  return widths;
}

function padded(text: string, width: number, right: boolean): string {
  const cut = shortened(text, width);
  const space = ' '.repeat(Math.max(0, width - stringWidth(cut)));
  return right ? space + cut : cut + space;
}

/** A text in so many columns of a terminal, with an ellipsis where some of it is left out. */
export function shortened(text: string, width: number): string {
  if (text.length <= width && stringWidth(text) <= width) return text;
  if (stringWidth(text) <= width) return text;
  let result = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(result + segment) > width - 1) break;
    result += segment;
  }
  return `${result}…`;
}

const barWidth = 24;
const barEveryMs = 100;

/** A line on the terminal that says how far something is; nothing where there is none. */
export class Progress {
  readonly #what: string;
  readonly isShown = process.stderr.isTTY === true;
  readonly #beganAt = performance.now();
  #shownAt = 0;

  constructor(what: string) {
    this.#what = what;
  }

  /** `share`: of all, from 0 to 1, where that is known. */
  show(done: number, share?: number): void {
    const nowMs = performance.now();
    if (!this.isShown || nowMs - this.#shownAt < barEveryMs) return;
    this.#shownAt = nowMs;
    const rate = Math.round(done / Math.max(0.001, (nowMs - this.#beganAt) / 1000));
    const told = `${done} ${this.#what}, ${rate}/s`;
    const line = share === undefined ? told : `${bar(share)} ${told}`;
    process.stderr.write(`\r\x1b[K${shortened(line, (process.stderr.columns || 80) - 1)}`);
  }

  end(): void {
    if (this.isShown) process.stderr.write('\r\x1b[K');
  }
}

function bar(share: number): string {
  const within = Math.min(1, Math.max(0, share));
  const full = Math.round(within * barWidth);
  const percent = String(Math.floor(within * 100)).padStart(3);
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${percent} %`;
}
