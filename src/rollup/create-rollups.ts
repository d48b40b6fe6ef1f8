import type pg from 'pg';
import { createKysely } from '../database/kysely.ts';
import { FreshRows } from './fresh-rows.ts';
import { SeriesCache } from './series-cache.ts';
import { shapes } from './shapes.ts';

/** What everybody who stores rows shares. */
export interface Rollups {
  readonly series: readonly SeriesCache[];
  readonly fresh: FreshRows;
}

export function createRollups(pool: pg.Pool, seriesMax: number): Rollups {
  const db = createKysely(pool);
  const series = shapes.map((shape) => new SeriesCache(shape, db, seriesMax));
  return { series, fresh: new FreshRows(series) };
}
