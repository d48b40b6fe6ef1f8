import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { listEdition } from '../prices/list.ts';
import type { Pricer } from '../prices/pricer.ts';

/** The prices that costs are computed by at the moment. */
export function editions({ own: { version, date } }: Pricer) {
  return {
    priceList: listEdition,
    ...present('ownPrices', version === '' ? null : { name: 'own', version, date }),
  };
}

/** A message with fields as they are, which `create` looks at one by one: answers have thousands. */
export const filled = <Desc extends DescMessage>(
  schema: Desc,
  fields: Partial<MessageShape<Desc>>,
): MessageShape<Desc> => Object.assign(create(schema), fields);

/** A field, unless there is nothing to set it to. */
export function present<Name extends string, Value>(name: Name, value: Value | null) {
  return (value === null ? {} : { [name]: value }) as { [Key in Name]?: Value };
}

export function time<Name extends string>(name: Name, value: Date | null) {
  return present(name, value && timestampFromDate(value));
}
