import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';

/** A place in a request where text may stand. */
interface TextField {
  /** As errors name it. */
  readonly name: string;
  /** For JSON alone: it is no text by the contract, and has one written in its place. */
  readonly isForeign: boolean;
  /** The request in JSON, with a text in that place. */
  fill(text: string): JsonObject;
}

type Base = (message: DescMessage) => JsonObject;

/** Every such place of a message and of the messages in it; `base`: what each needs besides. */
export function textFields(message: DescMessage, base: Base): TextField[] {
  return message.fields.flatMap((field) =>
    ofField(field, base).map(({ name, isForeign, value }) => ({
      name,
      isForeign,
      fill: (text) => ({ ...base(message), [field.name]: listed(field, value(text)) }),
    })),
  );
}

interface Place extends Omit<TextField, 'fill'> {
  value(text: string): JsonValue;
}

function ofField(field: DescField, base: Base): Place[] {
  const { name, message } = field;
  if (message?.typeName === StructSchema.typeName) {
    return [
      { name, isForeign: false, value: (text) => ({ [text]: 'a' }) },
      { name, isForeign: false, value: (text) => ({ a: [text, { b: text }] }) },
    ];
  }
  if (message && !message.typeName.startsWith('google.')) {
    return textFields(message, base).map(({ fill, ...place }) => ({ ...place, value: fill }));
  }
  const isText =
    field.fieldKind !== 'map' && 'scalar' in field && field.scalar === ScalarType.STRING;
  return [{ name, isForeign: !isText, value: (text) => text }];
}

const listed = ({ fieldKind }: DescField, value: JsonValue): JsonValue =>
  fieldKind === 'list' ? [value] : value;
