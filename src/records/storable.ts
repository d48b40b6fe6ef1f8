import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

const replacement = '\uFFFD';

/**
 * PostgreSQL's text can't hold NUL, and UTF-8 can't hold half of a surrogate pair. Either becomes
 * U+FFFD, the replacement character, and is counted: the rest of the record is worth keeping.
 */
export class StorableText {
  /** Strings that had to be changed so far. */
  changed = 0;

  text(value: string): string {
    if (!value.includes('\0') && value.isWellFormed()) return value;
    this.changed += 1;
    return value.toWellFormed().replaceAll('\0', replacement);
  }

  /** JSON text of an object, the same done to every string and key in it. */
  jsonText(value: JsonObject): string {
    const text = JSON.stringify(value);
    // Both show in the text as escapes; what merely looks like one costs a second look.
    const suspicious = text.includes('\\u0000') || /\\ud[89a-f]/.test(text);
    return suspicious ? JSON.stringify(this.#json(value)) : text;
  }

  #json(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.#json(item));
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([key, item]) => [this.text(key), this.#json(item)]);
    return Object.fromEntries(entries);
  }
}
