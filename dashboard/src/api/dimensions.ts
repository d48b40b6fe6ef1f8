import { none } from '../state/filters.ts';
import { rangeAt } from '../state/range.ts';
import { type Answer, useAnswer } from './answer.ts';
import { rangeKey, rangeOf } from './ask.ts';
import { query } from './client.ts';

/** Values by the name of a dimension, most records first; records without are `(none)`. */
export type Dimensions = ReadonlyMap<string, readonly string[]>;

const refreshMs = 30_000;

/** What events there are to choose from. */
export const useDimensions = (type = ''): Answer<Dimensions> =>
  useAnswer(
    `dimensions ${rangeKey()} ${type}`,
    async (signal) => {
      const range = rangeOf(rangeAt(Date.now()));
      const ask = (dimensions: string[], eventTypes: string[]) =>
        query.listDimensions({ range, dimensions, filter: { eventTypes } }, { signal });
      const [types, others] = await Promise.all([
        ask(['event_type'], []),
        ask(['component', 'status'], type ? [type] : []),
      ]);
      const all = [...types.dimensions, ...others.dimensions];
      return new Map(
        all.map(({ name, values }) => [name, values.map(({ value }) => value ?? none)]),
      );
    },
    refreshMs,
  );
