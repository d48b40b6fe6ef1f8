import type pg from 'pg';
import type { FurtherSettings } from '../postgres/dialect.ts';
import { expectedNames } from './expected-tables.ts';

/** How long a path is used again: finding it out costs more than many a query. */
const usedMsMax = 5000;

const find = `
  select set_config('search_path', string_agg(quote_ident(schema), ', ' order by place) || ', pg_temp', true)
    as path
  from unnest(current_schemas(false)) with ordinality as path (schema, place)
  where schema = current_schema() or not exists (
    select from pg_class join pg_namespace as space on space.oid = relnamespace
    where nspname = schema and relname in (${expectedNames.map((name) => `'${name}'`).join(', ')})
  )
  having count(*) > 0`;

/**
 * Leaves the schemas of other installations out of the search path, but not those with functions
 * that triggers of ours may need: should a table of ours be gone, nothing is read from, written to
 * or done to another's of that name.
 */
export class OwnPath implements FurtherSettings {
  #path: string | undefined;
  #foundAt = Number.NEGATIVE_INFINITY;

  get statement(): string {
    const isFresh = performance.now() - this.#foundAt < usedMsMax;
    return isFresh && this.#path ? `set local search_path to ${this.#path}` : find;
  }

  learn(results: readonly pg.QueryResult[]): void {
    const path = results.at(-1)?.rows[0]?.path;
    if (path === undefined) return;
    this.#path = path;
    this.#foundAt = performance.now();
  }
}
