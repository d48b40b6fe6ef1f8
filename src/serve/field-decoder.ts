import { type DescField, type DescService, ScalarType } from '@bufbuild/protobuf';
import { ServiceError } from '../errors.ts';
import { JsonDecoder } from './json-decoder.ts';

const wholePattern = /^-?(0|[1-9]\d*)$/;
const numberPattern = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity)$/;
const wholeTypes: readonly ScalarType[] = [ScalarType.INT32, ScalarType.INT64];
const numberTypes: readonly ScalarType[] = [ScalarType.FLOAT, ScalarType.DOUBLE];

/**
 * Refuses, by the name of its field, what the library would take for something else, such as
 * `"0x10"` for 16. Knows the fields of a service by their names alone.
 */
export class FieldDecoder extends JsonDecoder {
  readonly #fields: ReadonlyMap<string, DescField>;

  constructor(valuesMax: number, service: DescService) {
    super(valuesMax);
    const fields = service.methods.flatMap(({ input }) => input.fields);
    this.#fields = new Map(
      fields.flatMap((field) => [field.name, field.jsonName].map((name) => [name, field] as const)),
    );
  }

  override decode(...input: Parameters<TextDecoder['decode']>): string {
    const text = super.decode(...input);
    for (const [name, value] of Object.entries(objectOf(text))) {
      const field = this.#fields.get(name);
      if (field && value !== null) this.check(field, value);
    }
    return text;
  }

  protected check({ name, scalar }: DescField, value: unknown): void {
    if (typeof value !== 'string' || scalar === undefined) return;
    if (wholeTypes.includes(scalar) && !wholePattern.test(value))
      throw wrong(name, value, 'whole ');
    if (numberTypes.includes(scalar) && !numberPattern.test(value)) throw wrong(name, value);
  }
}

const wrong = (field: string, value: string, which = '') =>
  new ServiceError('invalid', `${field} is ${JSON.stringify(value)}, not a ${which}number`, {
    field,
  });

/** What is no JSON, or no object, the library finds out itself. */
function objectOf(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
