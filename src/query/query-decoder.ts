import type { DescField, JsonValue } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { FieldDecoder } from '../serve/field-decoder.ts';
import { readTime } from './checks.ts';

/** Refuses times that are none by their names: the library takes 31 September for 1 October. */
export class QueryDecoder extends FieldDecoder {
  protected override check(field: DescField, value: JsonValue): void {
    if (field.message?.typeName === TimestampSchema.typeName) readTime(field.name, value);
    else super.check(field, value);
  }
}
