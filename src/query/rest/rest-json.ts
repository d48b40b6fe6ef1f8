import { type DescField, type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import {
  FeatureSet_FieldPresence,
  StructSchema,
  type Timestamp,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt';

/**
 * A message as the REST names give it: names as in the contract, counts as numbers, what is not
 * set as null, and times with `+00:00`, which older Pythons can parse.
 */
export function restJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): unknown {
  return messageJson(reflect(schema, message));
}

function messageJson(message: ReflectMessage): unknown {
  if (message.desc.typeName === TimestampSchema.typeName) {
    return timeText(message.message as Timestamp);
  }
  if (message.desc.typeName === StructSchema.typeName) return toJson(message.desc, message.message);
  return Object.fromEntries(message.fields.map((field) => [field.name, fieldJson(message, field)]));
}

function fieldJson(message: ReflectMessage, field: DescField): unknown {
  switch (field.fieldKind) {
    case 'list':
      return [...message.get(field)].map(valueJson);
    case 'map':
      return Object.fromEntries(
        [...message.get(field)].map(([key, value]) => [key, valueJson(value)]),
      );
    case 'enum':
      return field.enum.value[message.get(field) as number]?.localName.toLowerCase() ?? null;
    default:
      return field.presence === FeatureSet_FieldPresence.IMPLICIT || message.isSet(field)
        ? valueJson(message.get(field))
        : null;
  }
}

function valueJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'object' && value !== null) return messageJson(value as ReflectMessage);
  return value;
}

/** RFC 3339 with microseconds. */
export function timeText({ seconds: whole, nanos }: Pick<Timestamp, 'seconds' | 'nanos'>): string {
  const seconds = new Date(Number(whole) * 1000).toISOString().slice(0, 19);
  const us = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return `${seconds}.${us}+00:00`;
}
