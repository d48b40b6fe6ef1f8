import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import { ServiceError } from '../../errors.ts';
import { readTime } from '../checks.ts';
import { asWritten, parseNumbers } from '../exact-numbers.ts';

/** Fields of these messages are parameters of their own. */
const flattened = new Set(['range', 'filter', 'usage_filter']);
/** Names of dimensions may be given in one parameter, with commas between. */
const separated = new Set(['group_by', 'dimensions']);

/** Where a parameter belongs: the message that has the field, where it is not the request itself. */
interface Place {
  readonly within?: DescField;
  readonly field: DescField;
}

const known = new Map<DescMessage, ReadonlyMap<string, Place>>();

/**
 * The parameters of a request: its fields, and those of its range and filters, in which a list is
 * also known by its singular: component=L1&component=L2.
 */
function placesOf(schema: DescMessage): ReadonlyMap<string, Place> {
  const found = known.get(schema);
  if (found) return found;
  const places = new Map<string, Place>();
  const add = (name: string, place: Place) => {
    if (!places.has(name)) places.set(name, place);
  };
  const plain = schema.fields.filter(({ name }) => !flattened.has(name));
  for (const field of plain) for (const name of namesOf(field)) add(name, { field });
  for (const within of schema.fields.filter(({ name }) => flattened.has(name))) {
    for (const field of within.message?.fields ?? []) {
      for (const name of namesOf(field)) {
        add(name, { within, field });
        add(`${within.name}.${name}`, { within, field });
      }
    }
  }
  known.set(schema, places);
  return places;
}

const namesOf = ({ name, jsonName, fieldKind }: DescField): string[] =>
  fieldKind === 'list' ? [name, jsonName, singular(name)] : [name, jsonName];

/** The only one of its name, or null: which one of several is meant nobody can tell. */
export function onlyOne(parameters: URLSearchParams, name: string): string | null {
  const [value = null, ...others] = parameters.getAll(name);
  if (others.length > 0) throw givenTwice(name);
  return value;
}

const givenTwice = (field: string) =>
  new ServiceError('invalid', `${field} is given twice`, { field });

const isSingular = ({ name, jsonName }: DescField, given: string): boolean =>
  ![name, jsonName].includes(given.split('.').at(-1) as string);

const singular = (name: string): string => name.replace(/(?<=s)es$|s$/, '');

export const isParameter = (schema: DescMessage, name: string): boolean =>
  placesOf(schema).has(name);

/** Fills a request from parameters; an empty one counts as not given, unless it is one of a list. */
export function readParameters<Desc extends DescMessage>(
  schema: Desc,
  parameters: URLSearchParams,
): MessageShape<Desc> {
  const init: Record<string, unknown> = {};
  for (const [name, text] of parameters) {
    const places = placesOf(schema);
    // One of older requests, which takes one value: several are for the filter.
    const isList = parameters.getAll(name).length > 1;
    const place = (isList ? places.get(`filter.${name}`) : undefined) ?? places.get(name);
    if (!place) {
      throw new ServiceError('invalid', `${JSON.stringify(name)} is not a parameter`, {
        field: name,
      });
    }
    const { within, field } = place;
    if (within) init[within.localName] ??= {};
    const target = within ? (init[within.localName] as Record<string, unknown>) : init;
    addParameter(target, name, field, text);
  }
  return create(schema, init as MessageInitShape<Desc>);
}

function addParameter(
  target: Record<string, unknown>,
  name: string,
  field: DescField,
  text: string,
): void {
  if (field.fieldKind === 'list') {
    // By its own name: those that have none.
    if (text === '' && isSingular(field, name)) return;
    const values = separated.has(field.name) ? text.split(',') : [text];
    const given = values.filter((value) => value !== '' || !separated.has(field.name));
    target[field.localName] = [...((target[field.localName] ?? []) as unknown[]), ...given];
  } else if (text !== '') {
    if (target[field.localName] !== undefined) throw givenTwice(name);
    target[field.localName] = readParameter(field, name, text);
  }
}

function readParameter(
  { fieldKind, scalar, message }: DescField,
  name: string,
  text: string,
): unknown {
  if (fieldKind === 'message') {
    return message.typeName === StructSchema.typeName
      ? readObject(name, text)
      : readTime(name, text);
  }
  if (scalar === ScalarType.STRING) return text;
  if (scalar === ScalarType.BOOL) return readBoolean(name, text);
  return scalar === ScalarType.INT32 ? readWhole(name, text) : readNumber(name, text);
}

/** Metadata, digit by digit. */
function readObject(field: string, text: string): object {
  try {
    const value = parseNumbers(text, asWritten);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new ServiceError('invalid', `${field} is not an object in JSON, such as {"gpu_id":0}`, {
    field,
  });
}

function readBoolean(field: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new ServiceError('invalid', `${field} is ${JSON.stringify(text)}, not true or false`, {
    field,
  });
}

export function readWhole(field: string, text: string): number {
  const value = readNumber(field, text);
  if (!Number.isInteger(value)) {
    throw new ServiceError('invalid', `${field} is ${value}, not a whole number`, { field });
  }
  // What a field of the request can hold.
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
}

/** No blanks, and nothing but decimal: `Number` reads `0x10` too. */
const numberPattern = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function readNumber(field: string, text: string): number {
  const value = Number(text);
  if (numberPattern.test(text) && Number.isFinite(value)) return value;
  throw new ServiceError('invalid', `${field} is ${JSON.stringify(text)}, not a number`, { field });
}
