import {
  type DescField,
  type DescMessage,
  type DescService,
  fromJson,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { ServiceError } from '../errors.ts';
import { JsonDecoder } from './json-decoder.ts';

const wholePattern = /^-?(0|[1-9]\d*)$/;
const numberPattern = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity)$/;
const wholeTypes: readonly ScalarType[] = [ScalarType.INT32, ScalarType.INT64];
const numberTypes: readonly ScalarType[] = [ScalarType.FLOAT, ScalarType.DOUBLE];

type Fields = ReadonlyMap<string, DescField>;

/** By their names in the contract and in JSON. */
const byName = (fields: readonly DescField[]): Fields =>
  new Map(
    fields.flatMap((field) => [field.name, field.jsonName].map((name) => [name, field] as const)),
  );

/**
 * Refuses, by the name of its field, what the library would take for something else, such as
 * `"0x10"` for 16, and times that it would refuse without a name. Knows the fields of a service by
 * their names alone.
 */
export class FieldDecoder extends JsonDecoder {
  readonly #fields: Fields;
  readonly #within = new Map<DescMessage, Fields>();

  constructor(valuesMax: number, service: DescService) {
    super(valuesMax);
    this.#fields = byName(service.methods.flatMap(({ input }) => input.fields));
  }

  override decode(...input: Parameters<TextDecoder['decode']>): string {
    const text = super.decode(...input);
    this.#checkAll(this.#fields, objectOf(text));
    return text;
  }

  #checkAll(fields: Fields, object: object): void {
    for (const [name, value] of Object.entries(object)) {
      const field = fields.get(name);
      if (!field || value === null) continue;
      this.check(field, value);
      const { message } = field;
      if (!message || message.typeName.startsWith('google.')) continue;
      for (const each of [value].flat()) this.#checkAll(this.#fieldsOf(message), Object(each));
    }
  }

  #fieldsOf(message: DescMessage): Fields {
    const fields = this.#within.get(message) ?? byName(message.fields);
    this.#within.set(message, fields);
    return fields;
  }

  protected check({ name, scalar, message }: DescField, value: JsonValue): void {
    if (message?.typeName === TimestampSchema.typeName) checkTime(name, value);
    if (typeof value !== 'string' || scalar === undefined) return;
    if (wholeTypes.includes(scalar) && !wholePattern.test(value))
      throw wrong(name, value, 'not a whole number');
    if (numberTypes.includes(scalar) && !numberPattern.test(value))
      throw wrong(name, value, 'not a number');
  }
}

function checkTime(field: string, value: JsonValue): void {
  try {
    fromJson(TimestampSchema, value);
  } catch {
    throw wrong(field, value, 'not an RFC 3339 time with zone, such as 2026-01-31T10:00:00Z');
  }
}

const wrong = (field: string, value: JsonValue, what: string) =>
  new ServiceError('invalid', `${field} is ${JSON.stringify(value)}, ${what}`, { field });

/** What is no JSON, or no object, the library finds out itself. */
function objectOf(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
