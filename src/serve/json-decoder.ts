import { ServiceError } from '../errors.ts';

const [quote, backslash] = [...'"\\'].map((sign) => sign.charCodeAt(0));

/**
 * Decodes JSON, leaving no half of a surrogate pair in its escapes: the protobuf runtime refuses
 * a whole message for one of them.
 */
export class LenientTextDecoder extends TextDecoder {
  readonly #onChanged: (strings: number) => void;

  constructor(onChanged: (strings: number) => void) {
    super();
    this.#onChanged = onChanged;
  }

  override decode(...input: Parameters<TextDecoder['decode']>): string {
    const text = super.decode(...input);
    if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
    let changed = 0;
    // Pairs and other escapes are passed over, so that what is left of \uD… is unpaired.
    const repaired = text.replace(
      /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\./gs,
      (sequence) => {
        if (sequence.length !== 6) return sequence;
        changed += 1;
        return '\\ufffd';
      },
    );
    if (changed > 0) this.#onChanged(changed);
    return repaired;
  }
}

/**
 * Refuses JSON with more values than a limit before it is parsed: each becomes an object of a
 * kilobyte, so that the two bytes of a `1,` would cost five hundred times their size.
 */
export class JsonDecoder extends LenientTextDecoder {
  readonly #valuesMax: number;

  constructor(valuesMax: number, onChanged: (strings: number) => void) {
    super(onChanged);
    this.#valuesMax = valuesMax;
  }

  override decode(...input: Parameters<TextDecoder['decode']>): string {
    const text = super.decode(...input);
    // Every value but the first follows one of these signs.
    if (text.length > this.#valuesMax && 1 + countSigns(text, ',[{') > this.#valuesMax) {
      throw new ServiceError(
        'tooLarge',
        `the message has more than ${this.#valuesMax} JSON values; that is the limit: send several`,
      );
    }
    return text;
  }
}

/** How often one of `signs` occurs in JSON outside of its strings. */
export function countSigns(json: string, signs: string): number {
  const codes = [...signs].map((sign) => sign.charCodeAt(0));
  let count = 0;
  for (let at = 0; at < json.length; at += 1) {
    const sign = json.charCodeAt(at);
    if (codes.includes(sign)) count += 1;
    else if (sign === quote) {
      for (at += 1; at < json.length && json.charCodeAt(at) !== quote; at += 1) {
        if (json.charCodeAt(at) === backslash) at += 1;
      }
    }
  }
  return count;
}
