import type { DescField, DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import { StructSchema, type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { rawJSON } from '../exact-numbers.ts';

/**
 * A message as the REST names give it: names as in the contract, counts as numbers, what is not
 * set as null, and times with `+00:00`, which older Pythons can parse. Read by its properties:
 * reflection makes an object of each message and list, of which an answer has ten thousands.
 */
export function restJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): unknown {
  if (schema.typeName === TimestampSchema.typeName)
    return timeText(message as unknown as Timestamp);
  const json: Record<string, unknown> = {};
  for (const field of schema.fields)
    json[field.name] = fieldJson(field, propertyOf(message, field));
  return json;
}

/** Undefined where it is not set. */
function propertyOf(message: Message, { oneof, localName }: DescField): unknown {
  const properties = message as unknown as Record<string, unknown>;
  if (!oneof) return properties[localName];
  const chosen = properties[oneof.localName] as { case?: string; value?: unknown };
  return chosen.case === localName ? chosen.value : undefined;
}

function fieldJson(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case 'list':
      return (value as unknown[]).map((each) => valueJson(field.message, each));
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, each]) => [key, valueJson(field.message, each)]),
      );
    case 'enum':
      return field.enum.value[value as number]?.localName.toLowerCase() ?? null;
    default:
      return valueJson(field.message, value);
  }
}

function valueJson(schema: DescMessage | undefined, value: unknown): unknown {
  if (typeof value === 'bigint') return exactCount(value);
  // What has any fields is JSON already.
  const isMessage = schema && schema.typeName !== StructSchema.typeName && value !== undefined;
  if (isMessage) return restJson(schema, value as Message);
  return value ?? null;
}

/** A number, and digit by digit where none holds it. */
function exactCount(count: bigint): unknown {
  const number = Number(count);
  return Number.isSafeInteger(number) ? number : rawJSON(String(count));
}

/** Of seconds: the series of an answer have the same times. */
const known = new Map<bigint, string>();
const knownMax = 5000;

function secondsText(whole: bigint): string {
  const found = known.get(whole);
  if (found !== undefined) return found;
  const text = new Date(Number(whole) * 1000).toISOString().slice(0, 19);
  if (known.size >= knownMax) known.clear();
  known.set(whole, text);
  return text;
}

/** RFC 3339 with microseconds. */
export function timeText({ seconds: whole, nanos }: Pick<Timestamp, 'seconds' | 'nanos'>): string {
  const seconds = secondsText(whole);
  const us = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return `${seconds}.${us}+00:00`;
}
