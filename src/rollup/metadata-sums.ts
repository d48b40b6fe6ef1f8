import { NameSearch } from './name-search.ts';
import type { RowFields } from './row-fields.ts';

const codeOf = (sign: string): number => sign.charCodeAt(0);
const [quote, backslash, colon, comma] = [codeOf('"'), codeOf('\\'), codeOf(':'), codeOf(',')];
const [open, close, openList, closeList] = [codeOf('{'), codeOf('}'), codeOf('['), codeOf(']')];
const [zero, point, minus, exponent] = [codeOf('0'), codeOf('.'), codeOf('-'), codeOf('e')];

/**
 * Whole numbers that an object of JSON, without space between its parts, has under some names. Of a
 * name that is there twice, the last counts, as in jsonb.
 */
export class MetadataSums {
  /** What was read: of the names whose bits are set. */
  readonly found: Float64Array;
  readonly #search: NameSearch;
  // In how many objects and lists lies what begins there.
  #at = 0;
  #depth = 0;

  constructor(names: readonly string[]) {
    this.#search = new NameSearch(names);
    this.found = new Float64Array(names.length);
  }

  /** A bit for each of the names that has a number, in what lies there of a row. */
  read(row: Pick<RowFields, 'rows' | 'bytes'>, start: number, end: number): number {
    const search = this.#search;
    const { rows: json } = row;
    let mask = 0;
    this.#at = start + 1;
    this.#depth = 1;
    for (let at = search.next(json, start, end); at >= 0; at = search.next(json, at + 1, end)) {
      const after = at + search.length;
      if (!isName(json, at, after) || this.#depthAt(row, at - 1) !== 1) continue;
      const number = readWhole(json, after + 2);
      const bit = 1 << search.name;
      this.found[search.name] = number;
      mask = Number.isNaN(number) ? mask & ~bit : mask | bit;
    }
    return mask;
  }

  #depthAt({ rows: json, bytes }: Pick<RowFields, 'rows' | 'bytes'>, position: number): number {
    let [at, depth] = [this.#at, this.#depth];
    if (depth === 1 && hasNoOpening(bytes, at, position)) at = position;
    for (; at < position; at++) {
      const byte = json[at] as number;
      if (byte === quote) at = endOfString(json, at + 1, position);
      else if (byte === open || byte === openList) depth++;
      else if (byte === close || byte === closeList) depth--;
    }
    this.#at = at;
    this.#depth = depth;
    return depth;
  }
}

/** A quote after what begins a part begins a string, and that is a name where a colon follows. */
function isName(json: Uint8Array, from: number, to: number): boolean {
  const before = json[from - 2];
  return (
    json[from - 1] === quote &&
    (before === comma || before === open) &&
    json[to] === quote &&
    json[to + 1] === colon
  );
}

/** Four bytes at a time; what looks like one behind the end is no harm. */
function hasNoOpening(json: DataView, from: number, to: number): boolean {
  for (let at = from; at < to; at += 4) {
    // Of { and [ the same remains, and of nothing else: https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
    const rest = (json.getInt32(at) | 0x2020_2020) ^ 0x7b7b_7b7b;
    if (((rest - 0x0101_0101) & ~rest & 0x8080_8080) !== 0) return false;
  }
  return true;
}

function endOfString(json: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}

/** Without decimals, as a number holds it exactly; NaN for what is no number. */
function readWhole(json: Uint8Array, from: number): number {
  const isNegative = json[from] === minus;
  const first = isNegative ? from + 1 : from;
  let whole = 0;
  let at = first;
  for (; isDigit(json[at]); at++) whole = 10 * whole + (json[at] as number) - zero;
  if (at === first) return Number.NaN;
  if (json[at] === point)
    do at++;
    while (isDigit(json[at]));
  if (isExponent(json[at])) whole = withExponent(json, first, at + 1);
  whole = Math.min(Number.MAX_SAFE_INTEGER, whole);
  return isNegative ? -whole : whole;
}

function withExponent(json: Uint8Array, first: number, afterLetter: number): number {
  // The first may be a sign.
  let end = afterLetter + 1;
  while (isDigit(json[end])) end++;
  return Math.trunc(Number(Buffer.from(json.subarray(first, end)).toString('latin1')));
}

const isDigit = (byte = 0): boolean => byte >= zero && byte < zero + 10;
const isExponent = (byte = 0): boolean => (byte | 0x20) === exponent;
