import { ServiceError } from '../errors.ts';

const [quote, backslash, ...signs] = [...'"\\,[{'].map((sign) => sign.charCodeAt(0));

/**
 * Refuses JSON with more values than a limit before it is parsed: each becomes an object of a
 * kilobyte, so that the two bytes of a `1,` would cost five hundred times their size.
 */
export class JsonDecoder extends TextDecoder {
  readonly #valuesMax: number;

  constructor(valuesMax: number) {
    super();
    this.#valuesMax = valuesMax;
  }

  override decode(...input: Parameters<TextDecoder['decode']>): string {
    const text = super.decode(...input);
    // Every value but the first follows one of these signs.
    if (text.length > this.#valuesMax && 1 + countSigns(text) > this.#valuesMax) {
      throw new ServiceError(
        'tooLarge',
        `the message has more than ${this.#valuesMax} JSON values; that is the limit: send several`,
      );
    }
    return /\\ud[89a-f]/i.test(text) ? wellFormedJson(text) : text;
  }
}

/**
 * With the replacement character for halves of surrogate pairs, which no protocol but JSON has: an
 * error that quotes one could not be told. Written anew, JSON has the numbers of lone halves only.
 */
function wellFormedJson(text: string): string {
  try {
    return withoutLoneHalves(JSON.stringify(JSON.parse(text)));
  } catch {
    // No JSON, which the library finds out itself.
    return text;
  }
}

/** The same of what JSON.stringify has written. */
export const withoutLoneHalves = (written: string): string =>
  written.replace(/\\\\|\\ud[89a-f]../g, (all) => (all === '\\\\' ? all : '\ufffd'));

/** The commas, brackets and braces that open something, outside of strings. */
function countSigns(json: string): number {
  let count = 0;
  for (let at = 0; at < json.length; at += 1) {
    const sign = json.charCodeAt(at);
    if (signs.includes(sign)) count += 1;
    else if (sign === quote) {
      for (at += 1; at < json.length && json.charCodeAt(at) !== quote; at += 1) {
        if (json.charCodeAt(at) === backslash) at += 1;
      }
    }
  }
  return count;
}
