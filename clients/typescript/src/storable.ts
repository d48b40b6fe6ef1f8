import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

/** The service takes 32 levels; what is nested deeper becomes text. */
const depthMax = 30;
/** Bounds what one record can cost: an object can refer to half of the application. */
const valuesMax = 10_000;

/**
 * Metadata in a form that JSON has, losing as little as it can: a value without one becomes its
 * text, and so does what refers to itself. Throws what the caller's own `toJSON` or getters throw.
 */
export function storableMetadata(metadata: unknown): JsonObject {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new TypeError('metadata is not an object');
  }
  return new Storing().object(metadata);
}

class Storing {
  readonly #above: object[] = [];
  #values = 0;

  object(from: object): JsonObject {
    this.#above.push(from);
    const to: JsonObject = {};
    for (const [key, value] of Object.entries(from)) {
      if (value === undefined) continue;
      const stored = this.#value(value);
      const name = key.toWellFormed();
      // Assigned, this one would set the prototype.
      if (name === '__proto__') Object.defineProperty(to, name, ownProperty(stored));
      else to[name] = stored;
    }
    this.#above.pop();
    return to;
  }

  #value(value: unknown): JsonValue {
    switch (typeof value) {
      case 'string':
        return value.toWellFormed();
      case 'number':
        // JSON has no negative zero.
        return Number.isFinite(value) ? value + 0 : String(value);
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#object(value);
      case 'undefined':
        return null;
      default:
        return String(value);
    }
  }

  #object(value: object): JsonValue {
    this.#values += 1;
    if (this.#above.includes(value)) return '[Circular]';
    if (this.#above.length >= depthMax || this.#values > valuesMax) return textOf(value);
    if (Array.isArray(value)) return this.#list(value);
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      this.#above.push(value);
      const stored = this.#value(value.toJSON());
      this.#above.pop();
      return stored;
    }
    if (value instanceof Map || value instanceof Set || value instanceof Error) {
      return textOf(value);
    }
    return this.object(value);
  }

  #list(values: readonly unknown[]): JsonValue {
    this.#above.push(values);
    const stored = Array.from(values, (value) => this.#value(value));
    this.#above.pop();
    return stored;
  }
}

/** Objects without a prototype have no text. */
function textOf(value: object): string {
  if (value instanceof Map || value instanceof Set) return `[${value.constructor.name}]`;
  return typeof value.toString === 'function' && !Array.isArray(value)
    ? String(value).toWellFormed()
    : Object.prototype.toString.call(value);
}

function ownProperty(value: JsonValue): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}
