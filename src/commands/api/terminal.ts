import { once } from 'node:events';
import { stripVTControlCharacters, styleText } from 'node:util';
import stringWidth from 'string-width';
import { StartError } from '../../errors.ts';

/** Where output is no terminal: whoever reads it can make of it what they want. */
const unboundedWidth = Number.POSITIVE_INFINITY;

/** Whoever reads may leave when they have seen enough: `| head`. Anything else is a failure. */
export function endQuietly(onFailure: (error: StartError) => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.stdout.destroy();
    if (error.code !== 'EPIPE') onFailure(new StartError(`the standard output: ${error.message}`));
    process.kill(process.pid, 'SIGPIPE');
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

/** Text of others, which might make a terminal do things, in one line. */
export const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones to be replaced
  stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');

/** A column of a table: what is too wide for the terminal is cut. */
export interface Column {
  readonly name: string;
  readonly right?: boolean;
}

const gap = 2;
const widthMin = 4;

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
  const widths = narrowed(wanted, width - gap * (columns.length - 1));
  const line = (row: readonly string[]) =>
    columns
      .map(({ right }, index) => padded(row[index] ?? '', widths[index] ?? 0, right === true))
      .join(' '.repeat(gap))
      .trimEnd();
  const head = line(columns.map(({ name }) => name));
  return [styled('bold', head), ...cells.map(line)];
}

/** The widest columns give way first. */
function narrowed(wanted: readonly number[], room: number): number[] {
  const widths = [...wanted];
  const sum = () => widths.reduce((total, width) => total + width, 0);
  while (sum() > room) {
    const widest = Math.max(...widths);
    if (widest <= widthMin) break;
    const next = Math.max(widthMin, ...widths.filter((width) => width < widest));
    const ofWidest = widths.filter((width) => width === widest).length;
    const fair = widest - Math.ceil((sum() - room) / ofWidest);
    const width = Math.max(widthMin, Math.min(widest - 1, Math.max(next, fair)));
    for (const [index, each] of widths.entries()) if (each === widest) widths[index] = width;
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
