import { rawJSON } from '../../query/exact-numbers.ts';

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

const exact: Reviver = (_, value, { source }) =>
  typeof value === 'number' && String(value) !== source ? rawJSON(source as string) : value;

/** JSON whose numbers JSON.stringify writes digit by digit as they were. */
export const parseExactly = (text: string): unknown => JSON.parse(text, exact as never);
