const [quote, backslash, colon, open, close, openList, closeList, minus] = [...'"\\:{}[]-'].map(
  (sign) => sign.charCodeAt(0),
) as [number, number, number, number, number, number, number, number];

/**
 * Whole numbers that an object of JSON, without space between its parts, has under some names; NaN
 * for one that it lacks. Of a name that is there twice, the last counts, as in jsonb.
 */
export class MetadataSums {
  readonly found: Float64Array;
  readonly #names: readonly Buffer[];

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(name));
    this.found = new Float64Array(names.length);
  }

  /** Whether there are any; they are in `found`. */
  read(json: Buffer, start: number, end: number): boolean {
    this.found.fill(Number.NaN);
    if (json[start] !== open) return false;
    let depth = 0;
    for (let at = start; at < end; at++) {
      const byte = json[at];
      if (byte === open || byte === openList) depth++;
      else if (byte === close || byte === closeList) depth--;
      else if (byte === quote) {
        const from = at + 1;
        at = endOfString(json, from, end);
        if (depth === 1 && json[at + 1] === colon) this.#name(json, from, at, end);
      }
    }
    return this.found.some((number) => !Number.isNaN(number));
  }

  #name(json: Buffer, from: number, to: number, end: number): void {
    const names = this.#names;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as Buffer;
      if (name.length !== to - from || json.compare(name, 0, name.length, from, to) !== 0) continue;
      this.found[index] = readWhole(json, to + 2, end);
    }
  }
}

function endOfString(json: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}

/** Without decimals, as a number holds it exactly; NaN for what is no number. */
function readWhole(json: Buffer, from: number, end: number): number {
  const first = json[from] as number;
  if (first !== minus && (first < 0x30 || first > 0x39)) return Number.NaN;
  let to = from + 1;
  while (to < end && isInNumber(json[to] as number)) to++;
  const number = Math.trunc(Number(json.toString('latin1', from, to)));
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(-Number.MAX_SAFE_INTEGER, number));
}

const isInNumber = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x2e ||
  byte === 0x2b ||
  byte === minus ||
  (byte | 0x20) === 0x65;
