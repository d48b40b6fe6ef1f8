import { camelCase, isSent, recordFields } from '../fields.ts';
import { byKind, type RecordKind } from '../tables.ts';
import { Names } from './names.ts';

const idField = 'id';
const keyField = 'idempotency_key';

/** The slot of the key that a single record has; those of the fields are below it. */
export const keySlotOf = (kind: RecordKind): number => 2 * recordFields[kind].length;

/** The fields of a kind by each of their names; a former one has a slot behind all others. */
function namesOf(kind: RecordKind, isSingle: boolean): Names {
  const fields = recordFields[kind];
  const slots = new Map<string, number>();
  fields.forEach((field, slot) => {
    if (!isSent(field) || (isSingle && field.name === idField)) return;
    const { name, formerName } = field;
    slots.set(name, slot).set(camelCase(name), slot);
    if (formerName !== undefined) slots.set(formerName, fields.length + slot);
  });
  if (isSingle) slots.set(keyField, keySlotOf(kind)).set(camelCase(keyField), keySlotOf(kind));
  return new Names(slots);
}

/** Of records in lists. */
export const fieldNames = byKind((kind) => namesOf(kind, false));
/** Of single ones, which have a key in the place of an id. */
export const singleNames = byKind((kind) => namesOf(kind, true));
