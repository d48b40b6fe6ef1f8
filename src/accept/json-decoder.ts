import { Code, ConnectError } from '@connectrpc/connect';
import { LenientTextDecoder } from './encode/storable.ts';

const [quote, backslash] = [...'"\\'].map((sign) => sign.charCodeAt(0));

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
      throw new ConnectError(
        `the message has more than ${this.#valuesMax} JSON values; that is the limit: send several`,
        Code.ResourceExhausted,
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
